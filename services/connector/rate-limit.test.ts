import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parsePorts } from "#lib/protocol/hub-ports.ts";
import { RateLimit, ScanRates } from "./rate-limit.ts";
import { scanPorts } from "./scanner.ts";
import { Semaphore } from "./semaphore.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const forever = new AbortController().signal;

/** Scans 100 ports of each address at once, and tells how many connections were made by then. */
function startScans(rates: ScanRates, addresses: string[], signal = forever) {
  const made: Record<string, number> = {};
  const sockets = new Semaphore(50);
  const results = addresses.map((address) =>
    scanPorts(
      { address, ports: parsePorts("1-100"), portTimeoutMs: 50, signal },
      {
        sockets,
        rates,
        connect: async () => {
          made[address] = (made[address] ?? 0) + 1;
          return { state: "closed", connectMs: 1 };
        },
      },
    ),
  );
  return { made, results };
}

test("callers pass evenly and in their order", async () => {
  const limit = new RateLimit(10, () => Date.now());
  const passed: number[] = [];
  for (let i = 0; i < 30; i++) void limit.take(forever).then(() => passed.push(i));
  await vi.advanceTimersByTimeAsync(0);
  expect(passed).toEqual([0]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(passed).toEqual([...Array(11).keys()]);
});

test("an idle limit saves nothing up", async () => {
  const limit = new RateLimit(10, () => Date.now());
  await limit.take(forever);
  await vi.advanceTimersByTimeAsync(60_000);
  let passed = 0;
  for (let i = 0; i < 30; i++) void limit.take(forever).then(() => (passed += 1));
  await vi.advanceTimersByTimeAsync(99);
  expect(passed).toBe(1);
});

test("those who give up take no place", async () => {
  const limit = new RateLimit(10, () => Date.now());
  const abort = new AbortController();
  await limit.take(forever);
  const gone = Array.from({ length: 1_000 }, () => limit.take(abort.signal));
  abort.abort();
  await Promise.all(gone);
  let passed = false;
  void limit.take(forever).then(() => (passed = true));
  await vi.advanceTimersByTimeAsync(100);
  expect(passed).toBe(true);
});

test("scans of one address share its limit, and another address has its own", async () => {
  const { made, results } = startScans(new ScanRates({ perTarget: 20 }), ["10.0.0.1", "10.0.0.1", "10.0.0.2"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(made).toEqual({ "10.0.0.1": 41, "10.0.0.2": 41 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await Promise.all(results)).map(({ closed }) => closed)).toEqual(["1-100", "1-100", "1-100"]);
});

test("all scans together keep the total limit", async () => {
  const { made } = startScans(new ScanRates({ total: 20 }), ["10.0.0.1", "10.0.0.2"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect((made["10.0.0.1"] ?? 0) + (made["10.0.0.2"] ?? 0)).toBe(41);
});

test("a scan that ends while it waits for its rate calls the rest unknown", async () => {
  const abort = new AbortController();
  const { results } = startScans(new ScanRates({ perTarget: 10 }), ["10.0.0.1"], abort.signal);
  await vi.advanceTimersByTimeAsync(900);
  abort.abort();
  expect(await results[0]).toMatchObject({ complete: false, closed: "1-10", unknown: "11-100" });
});
