import { expect, test } from "vitest";
import { parsePorts } from "#lib/protocol/hub-ports.ts";
import { type Connect, type PortState, scanPorts } from "./scanner.ts";
import { Semaphore } from "./semaphore.ts";

function scan(ports: string, connect: Connect, { sockets = 4, signal = new AbortController().signal } = {}) {
  return scanPorts(
    { address: "127.0.0.1", ports: parsePorts(ports), portTimeoutMs: 50, signal },
    { sockets: new Semaphore(sockets), connect },
  );
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("every port is reported once, in the state that its connection had", async () => {
  const states: Record<number, PortState> = { 80: "open", 82: "filtered", 83: "filtered", 85: "unknown" };
  const result = await scan("80-86", async ({ port }) => ({ state: states[port] ?? "closed", connectMs: 1.5 }));
  expect(result).toEqual({
    complete: true,
    open: [{ port: 80, connectMs: 1.5 }],
    closed: "81,84,86",
    filtered: "82-83",
    unknown: "85",
  });
});

test("no more sockets are open at a time than allowed, for all scans together", async () => {
  const sockets = new Semaphore(3);
  let now = 0;
  let most = 0;
  const connect: Connect = async () => {
    now += 1;
    most = Math.max(most, now);
    await nextTurn();
    now -= 1;
    return { state: "closed", connectMs: 1 };
  };
  const request = { address: "127.0.0.1", ports: parsePorts("1-40"), portTimeoutMs: 50, signal: new AbortController().signal };
  const results = await Promise.all([scanPorts(request, { sockets, connect }), scanPorts(request, { sockets, connect })]);
  expect(most).toBe(3);
  expect(results.map(({ closed }) => closed)).toEqual(["1-40", "1-40"]);
});

test("a scan that is ended early says what it knows and calls the rest unknown", async () => {
  const abort = new AbortController();
  const connect: Connect = async ({ port }) => {
    if (port === 5) {
      abort.abort();
      return { state: "unknown", connectMs: 0 };
    }
    return { state: "closed", connectMs: 1 };
  };
  const result = await scan("1-10", connect, { sockets: 1, signal: abort.signal });
  expect(result).toMatchObject({ complete: false, closed: "1-4", unknown: "5-10" });
});
