import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HubConnection } from "#lib/protocol/hub-connection.ts";
import type { HubBody, HubEnvelope, HubMessage } from "#lib/protocol/hub-messages.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { AllowList } from "./allow-list.ts";
import { ConnectorMetrics } from "./metrics.ts";
import { ScanWorker, type ScanWorkerOptions } from "./scan-worker.ts";
import type { Scanner, ScanRequest } from "./scanner.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);
const nothing = { complete: true, open: [], closed: "80", filtered: "", unknown: "" };

/** A hub's side of a connection: what the connector sent it, by request. */
function createHub() {
  const sent: { name: string; to: number | undefined; code?: string }[] = [];
  const connection = {
    send: (message: HubMessage, { to }: { to?: number } = {}) => sent.push({ name: message.name, to }),
    sendError: (error: { code: string }, to: number) => sent.push({ name: "error", to, code: error.code }),
  } as unknown as HubConnection;
  return { sent, connection };
}

function setUp(options: Partial<ScanWorkerOptions> = {}) {
  const scans: { request: ScanRequest; finish: () => void }[] = [];
  const scan = (request: ScanRequest) =>
    new Promise((resolve) => {
      const finish = () => resolve(request.signal.aborted ? { ...nothing, complete: false } : nothing);
      request.signal.addEventListener("abort", finish);
      scans.push({ request, finish });
    });
  const worker = new ScanWorker({
    instance: "c",
    allow: new AllowList(["127.0.0.0/8"]),
    maxConcurrentScans: 2,
    timeoutMs: 60_000,
    scanner: { scan } as unknown as Scanner,
    faults: createFaults({ latencyMs: 0, errorRatio: 0 }),
    metrics: new ConnectorMetrics("test"),
    logger: createLogger("connector", "silent"),
    resolve: async (name) => name,
    ...options,
  });
  const hand = (hub: ReturnType<typeof createHub>, job: string, lease: number, id: number) => {
    const body: HubBody<"scan"> = { job, lease, target: "127.0.0.1", ports: "80", timeoutMs: 30_000, portTimeoutMs: 100 };
    worker.receive({ name: "scan", body, id, reply: false, more: false }, hub.connection);
  };
  const forget = (hub: ReturnType<typeof createHub>, job: string, lease: number) => {
    worker.receive({ name: "forget", body: { job, lease }, id: 0, reply: false, more: false }, hub.connection);
  };
  const announce = async (wanted: HubBody<"holding">["jobs"]) => {
    let told: HubMessage | undefined;
    await worker.announce(async (message) => {
      told = message;
      return { name: "holding", body: { jobs: wanted }, id: 1, reply: true, more: false } as HubEnvelope;
    });
    return told?.name === "holding" ? told.body.jobs : undefined;
  };
  return { worker, scans, hand, forget, announce };
}

test("a job that is handed over again is not scanned again: its result goes to who asked last", async () => {
  const { scans, hand, announce } = setUp();
  const [gone, back] = [createHub(), createHub()];
  hand(gone, "j", 1, 7);
  await settle();
  expect(await announce([{ job: "j", lease: 1 }])).toEqual([{ job: "j", lease: 1 }]);
  hand(back, "j", 1, 3);
  scans[0]?.finish();
  await settle();
  expect(scans).toHaveLength(1);
  expect([gone.sent, back.sent]).toEqual([[], [{ name: "result", to: 3 }]]);
});

test("a result is kept until a hub has stored it, and given again to one that asks", async () => {
  const { scans, hand, forget, announce } = setUp();
  const [first, second] = [createHub(), createHub()];
  hand(first, "j", 1, 1);
  await settle();
  scans[0]?.finish();
  await settle();
  hand(second, "j", 2, 5);
  expect(second.sent).toEqual([{ name: "result", to: 5 }]);
  forget(first, "j", 1);
  expect(await announce([{ job: "j", lease: 2 }])).toEqual([{ job: "j", lease: 2 }]);
  forget(second, "j", 2);
  expect(await announce([])).toEqual([]);
});

test("a job that the hub does not want any more is given up, and nobody gets a result", async () => {
  const { scans, hand, announce } = setUp();
  const hub = createHub();
  hand(hub, "j", 1, 1);
  await settle();
  await announce([]);
  await settle();
  expect(scans[0]?.request.signal.aborted).toBe(true);
  expect(hub.sent).toEqual([]);
  expect(await announce([])).toEqual([]);
});

test("a cancel ends the scan of that request and no other", async () => {
  const { worker, scans, hand } = setUp();
  const hub = createHub();
  hand(hub, "a", 1, 1);
  hand(hub, "b", 1, 2);
  await settle();
  worker.receive({ name: "cancel", body: { reason: "" }, id: 2, reply: false, more: false }, hub.connection);
  expect(scans.map(({ request }) => request.signal.aborted)).toEqual([false, true]);
});

test("results that wait for a hub are bounded: the oldest are dropped first, and counted", async () => {
  const metrics = new ConnectorMetrics("test");
  const { scans, hand, announce } = setUp({ maxHeldBytes: 2_500, metrics });
  const hub = createHub();
  for (const job of ["a", "b", "c"]) {
    hand(hub, job, 1, 1);
    await settle();
    scans.at(-1)?.finish();
    await settle();
  }
  expect(await announce([])).toEqual([
    { job: "b", lease: 1 },
    { job: "c", lease: 1 },
  ]);
  expect(await metrics.registry.getSingleMetricAsString("connector_results_dropped_total")).toMatch(/_total 1$/m);
});

test("more scans than allowed are refused as busy, and so is what an injected fault hits; neither is kept", async () => {
  const { hand, announce } = setUp({ faults: createFaults({ latencyMs: 0, errorRatio: 1 }) });
  const hub = createHub();
  for (const id of [1, 2, 3]) hand(hub, `j${id}`, 1, id);
  expect(hub.sent).toEqual([{ name: "error", to: 3, code: "busy" }]);
  await settle();
  expect(hub.sent.slice(1)).toEqual([
    { name: "error", to: 1 },
    { name: "error", to: 2 },
  ]);
  expect(await announce([])).toEqual([]);
});

test("a drain hands back what was found so far when its time is over, and waits for the hub to store it", async () => {
  const { worker, hand, forget } = setUp();
  const hub = createHub();
  hand(hub, "j", 1, 1);
  await settle();
  let isDrained = false;
  const drained = worker.drain(10_000).then(() => (isDrained = true));
  hand(hub, "next", 1, 2);
  expect(hub.sent).toEqual([{ name: "error", to: 2, code: "shutting_down" }]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(hub.sent.slice(1)).toEqual([{ name: "result", to: 1 }]);
  expect(isDrained).toBe(false);
  forget(hub, "j", 1);
  await drained;
});
