import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ConnectorPeer, ScanDispatcher } from "./dispatcher.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createConnector(instance: string, capacity = 1, tenant = "t"): ConnectorPeer {
  return { tenant, instance, capacity, isConnected: true, scan: () => new Promise(() => {}), forget: () => {} };
}

function setUp(...peers: ConnectorPeer[]) {
  const freed: string[] = [];
  const running: number[] = [];
  const dispatcher = new ScanDispatcher({ onChange: (count) => running.push(count) });
  dispatcher.onFree = (tenant) => freed.push(tenant);
  for (const peer of peers) dispatcher.add(peer);
  return { dispatcher, freed, running };
}

test("a scan goes to the connector with the largest part of its capacity free", () => {
  const { dispatcher } = setUp(createConnector("small", 2), createConnector("large", 10));
  const taken = Array.from({ length: 6 }, () => dispatcher.acquire("t")?.instance);
  expect(taken.filter((instance) => instance === "small")).toHaveLength(1);
});

test("connectors that are equally free take turns, however little there is to do", () => {
  const peers = ["a", "b", "c"].map((instance) => createConnector(instance, 10));
  const { dispatcher } = setUp(...peers);
  const taken = Array.from({ length: 6 }, () => {
    const peer = dispatcher.acquire("t");
    if (peer) dispatcher.release(peer);
    return peer?.instance;
  });
  expect(taken).toEqual(["a", "b", "c", "a", "b", "c"]);
});

test("no connector gets more than its capacity, and one whose place is free again is told of", () => {
  const peer = createConnector("c", 2);
  const { dispatcher, freed, running } = setUp(peer);
  dispatcher.acquire("t");
  dispatcher.acquire("t");
  expect(dispatcher.hasFree("t")).toBe(false);
  expect(dispatcher.acquire("t")).toBeUndefined();
  dispatcher.release(peer);
  expect(freed).toEqual(["t", "t"]);
  expect(dispatcher.hasFree("t")).toBe(true);
  expect(running).toEqual([0, 1, 2, 1]);
});

test("connectors of another tenant are never used", () => {
  const { dispatcher } = setUp(createConnector("theirs", 1, "other"));
  expect(dispatcher.hasFree("t")).toBe(false);
  expect(dispatcher.acquire("t")).toBeUndefined();
  expect(dispatcher.tenants()).toEqual(new Set(["other"]));
});

test("a connector that comes with scans has so many places fewer", () => {
  const { dispatcher } = setUp();
  const peer = createConnector("c", 2);
  dispatcher.add(peer, 1);
  expect(dispatcher.acquire("t")).toBe(peer);
  expect(dispatcher.acquire("t")).toBeUndefined();
});

test("a connector that refused rests, and is told of when it has rested", async () => {
  const peer = createConnector("c", 2);
  const { dispatcher, freed } = setUp(peer);
  dispatcher.rest(peer, 1_000);
  expect(dispatcher.hasFree("t")).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(dispatcher.hasFree("t")).toBe(true);
  expect(freed).toEqual(["t", "t"]);
});

test("the dispatcher is drained when the last scan is over or its connector gone", async () => {
  const [one, two] = [createConnector("one"), createConnector("two")];
  const { dispatcher } = setUp(one, two);
  dispatcher.acquire("t");
  dispatcher.acquire("t");
  let isDrained = false;
  const drained = dispatcher.drained().then(() => (isDrained = true));
  dispatcher.remove(one);
  await vi.advanceTimersByTimeAsync(0);
  expect(isDrained).toBe(false);
  dispatcher.release(two);
  await drained;
  dispatcher.release(one);
  await expect(dispatcher.drained()).resolves.toBeUndefined();
});
