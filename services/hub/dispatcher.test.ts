import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { type ConnectorPeer, ScanDispatcher } from "./dispatcher.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const scan = { target: "a", ports: "80", timeoutMs: 5_000, portTimeoutMs: 100 };

function createConnector(instance: string, capacity = 1, tenant = "t") {
  const jobs: { timeoutMs: number; finish: () => void; fail: (error: Error) => void }[] = [];
  const peer: ConnectorPeer = {
    tenant,
    instance,
    capacity,
    scan: (_scan, { timeoutMs }) =>
      new Promise((resolve, reject) => {
        jobs.push({ timeoutMs, finish: () => resolve({ connector: instance } as HubBody<"result">), fail: reject });
      }),
  };
  return { peer, jobs };
}

function setUp(queueSize = 10) {
  const dispatcher = new ScanDispatcher({ queueSize, now: () => Date.now() });
  const submit = (signal = new AbortController().signal, tenant = "t") =>
    dispatcher.submit(tenant, scan, { signal, onProgress: () => {} }).then(
      (result) => result.connector,
      (error: HubError) => error.code,
    );
  return { dispatcher, submit };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test("a scan goes to the connector with the largest part of its capacity free", async () => {
  const { dispatcher, submit } = setUp();
  const small = createConnector("small", 2);
  const large = createConnector("large", 10);
  dispatcher.add(small.peer);
  dispatcher.add(large.peer);
  for (let i = 0; i < 6; i++) void submit();
  await settle();
  expect([small.jobs.length, large.jobs.length]).toEqual([1, 5]);
});

test("scans wait in order for a place and start as soon as one is free", async () => {
  const { dispatcher, submit } = setUp();
  const { peer, jobs } = createConnector("c");
  dispatcher.add(peer);
  const ends: string[] = [];
  for (const name of ["first", "second", "third"]) void submit().then(() => ends.push(name));
  await settle();
  expect(jobs).toHaveLength(1);
  for (let i = 0; i < 3; i++) {
    jobs[i]?.finish();
    await settle();
  }
  expect(ends).toEqual(["first", "second", "third"]);
});

test("a connector that comes while a scan waits takes it, with the time that is left", async () => {
  const { dispatcher, submit } = setUp();
  const outcome = submit();
  await vi.advanceTimersByTimeAsync(3_000);
  const { peer, jobs } = createConnector("late");
  dispatcher.add(peer);
  await settle();
  expect(jobs[0]?.timeoutMs).toBe(2_000 + 1_000);
  jobs[0]?.finish();
  expect(await outcome).toBe("late");
});

test("a scan whose time ends while it waits fails as no_connector or busy, whichever is true", async () => {
  const { dispatcher, submit } = setUp();
  const alone = submit();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await alone).toBe("no_connector");
  dispatcher.add(createConnector("c").peer);
  void submit();
  const crowded = submit();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await crowded).toBe("busy");
});

test("connectors of another tenant are never used", async () => {
  const { dispatcher, submit } = setUp();
  const { peer, jobs } = createConnector("theirs", 1, "other");
  dispatcher.add(peer);
  const outcome = submit();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await outcome).toBe("no_connector");
  expect(jobs).toHaveLength(0);
});

test("a scan whose connector is lost is handed to another one", async () => {
  const { dispatcher, submit } = setUp();
  const [one, two] = [createConnector("one"), createConnector("two")];
  dispatcher.add(one.peer);
  dispatcher.add(two.peer);
  const outcome = submit();
  await settle();
  dispatcher.remove(one.peer);
  one.jobs[0]?.fail(new Error("the connection was lost"));
  await settle();
  two.jobs[0]?.finish();
  expect(await outcome).toBe("two");
});

test("after three lost connectors a scan fails as connector_lost", async () => {
  const { dispatcher, submit } = setUp();
  const { peer, jobs } = createConnector("flapping");
  dispatcher.add(peer);
  const outcome = submit();
  for (let i = 0; i < 3; i++) {
    await settle();
    jobs[i]?.fail(new Error("the connection was lost"));
  }
  expect(await outcome).toBe("connector_lost");
  expect(jobs).toHaveLength(3);
});

test("a connector's refusal of the target is the answer and is not tried elsewhere", async () => {
  const { dispatcher, submit } = setUp();
  const [one, two] = [createConnector("one"), createConnector("two")];
  dispatcher.add(one.peer);
  dispatcher.add(two.peer);
  const outcome = submit();
  await settle();
  one.jobs[0]?.fail(new HubError("target_refused", "outside"));
  expect(await outcome).toBe("target_refused");
  expect(two.jobs).toHaveLength(0);
});

test("the queue is bounded, and a cancelled scan leaves it", async () => {
  const { dispatcher, submit } = setUp(1);
  const abort = new AbortController();
  const waiting = submit(abort.signal);
  expect(await submit()).toBe("busy");
  abort.abort();
  expect(await waiting).toBe("cancelled");
  await expect(dispatcher.drained()).resolves.toBeUndefined();
});
