import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { type ConnectorPeer, ScanDispatcher } from "./dispatcher.ts";
import { callerIsGone, JobRunner } from "./jobs.ts";
import { MemoryJobs } from "./memory-state.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const scan = { target: "a", ports: "80", timeoutMs: 60_000, portTimeoutMs: 100 };
const settle = () => vi.advanceTimersByTimeAsync(0);

function createConnector(instance: string, capacity = 1) {
  const scans: { finish: () => void; fail: (error: Error) => void; progress: () => void }[] = [];
  const peer: ConnectorPeer = {
    tenant: "t",
    instance,
    capacity,
    scan: (_scan, { onProgress, signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new HubError("cancelled", "stopped")));
        const finish = () => resolve({ connector: instance } as HubBody<"result">);
        scans.push({ finish, fail: reject, progress: () => onProgress({ scanned: 1, total: 2, open: 0 }) });
      }),
  };
  return { peer, scans };
}

/** A hub over a store that it may share with others. */
function createHub(store: MemoryJobs, options: { queueSize?: number } = {}) {
  const dispatcher = new ScanDispatcher({ queueSize: 10, handOns: 0, now: () => Date.now() });
  const ends: string[] = [];
  const jobs = new JobRunner({
    store,
    dispatcher,
    queueSize: 10,
    leaseMs: 900,
    logger: createLogger("hub", "silent"),
    onEnd: (result) => ends.push(result),
    ...options,
  });
  jobs.start();
  const submit = (id: string, signal = new AbortController().signal, onProgress = () => {}) =>
    jobs.submit("t", id, scan, { signal, onProgress }).then(
      (result) => result.connector,
      (error: HubError) => error.code,
    );
  return { dispatcher, jobs, ends, submit };
}

const createStore = () => new MemoryJobs({ now: () => Date.now() });

test("a job that is asked for twice is done once, and both askers get its progress and result", async () => {
  const hub = createHub(createStore());
  const { peer, scans } = createConnector("c", 5);
  hub.dispatcher.add(peer);
  let progress = 0;
  const answers = [1, 2].map(() => hub.submit("j", undefined, () => (progress += 1)));
  await settle();
  expect(scans).toHaveLength(1);
  scans[0]?.progress();
  scans[0]?.finish();
  expect(await Promise.all(answers)).toEqual(["c", "c"]);
  expect(progress).toBe(2);
  expect(await hub.submit("j")).toBe("c");
  expect(scans).toHaveLength(1);
  expect(hub.ends).toEqual(["ok"]);
});

test("a job whose connector dies in the middle is handed to another one and ends once", async () => {
  const hub = createHub(createStore());
  const [one, two] = [createConnector("one"), createConnector("two")];
  hub.dispatcher.add(one.peer);
  const answer = hub.submit("j");
  await settle();
  hub.dispatcher.add(two.peer);
  hub.dispatcher.remove(one.peer);
  one.scans[0]?.fail(new Error("the connection was lost"));
  await settle();
  two.scans[0]?.finish();
  expect(await answer).toBe("two");
  expect(hub.ends).toEqual(["ok"]);
});

test("a job waits in the store for as long as there is no connector of its tenant", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit("j");
  await vi.advanceTimersByTimeAsync(3_600_000);
  const { peer, scans } = createConnector("late");
  hub.dispatcher.add(peer);
  await settle();
  scans[0]?.finish();
  expect(await answer).toBe("late");
});

test("a job goes on when its asker is gone, who finds the result later", async () => {
  const hub = createHub(createStore());
  const { peer, scans } = createConnector("c");
  hub.dispatcher.add(peer);
  const abort = new AbortController();
  void hub.submit("j", abort.signal);
  await settle();
  abort.abort(callerIsGone);
  await settle();
  scans[0]?.finish();
  await settle();
  expect(await hub.submit("j")).toBe("c");
  expect(scans).toHaveLength(1);
});

test("a job that is cancelled ends for everybody, and a connector's later result does not count", async () => {
  const hub = createHub(createStore());
  const { peer, scans } = createConnector("c");
  hub.dispatcher.add(peer);
  const abort = new AbortController();
  const answer = hub.submit("j", abort.signal);
  await settle();
  abort.abort();
  expect(await answer).toBe("cancelled");
  scans[0]?.finish();
  await settle();
  expect(await hub.submit("j")).toBe("cancelled");
  expect(hub.ends).toEqual(["cancelled"]);
});

test("what a dead hub held goes to another one when its lease is over; the dead one's late result is refused", async () => {
  const store = createStore();
  const [dead, alive] = [createHub(store), createHub(store)];
  const [one, two] = [createConnector("one"), createConnector("two")];
  dead.dispatcher.add(one.peer);
  void dead.submit("j");
  await settle();
  const renew = store.renew.bind(store);
  store.renew = (lease, leaseMs) =>
    lease.token === 1 ? Promise.reject(new Error("this hub is cut off")) : renew(lease, leaseMs);
  alive.dispatcher.add(two.peer);
  await settle();
  expect(two.scans).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(two.scans).toHaveLength(1);
  one.scans[0]?.finish();
  await settle();
  expect(dead.ends).toEqual([]);
  two.scans[0]?.finish();
  await settle();
  expect(alive.ends).toEqual(["ok"]);
  expect(await alive.submit("j")).toBe("two");
});

test("a lease is kept for as long as its connector works", async () => {
  const store = createStore();
  const [first, second] = [createHub(store), createHub(store)];
  const [one, two] = [createConnector("one"), createConnector("two")];
  first.dispatcher.add(one.peer);
  const answer = first.submit("j");
  await settle();
  second.dispatcher.add(two.peer);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(two.scans).toHaveLength(0);
  one.scans[0]?.finish();
  expect(await answer).toBe("one");
});

test("a hub that stops gives its jobs back at once", async () => {
  const store = createStore();
  const [old, next] = [createHub(store), createHub(store)];
  const [one, two] = [createConnector("one"), createConnector("two")];
  old.dispatcher.add(one.peer);
  const answer = old.submit("j");
  await settle();
  const stopped = old.jobs.stop();
  await vi.advanceTimersByTimeAsync(10);
  await stopped;
  next.dispatcher.add(two.peer);
  await settle();
  expect(two.scans).toHaveLength(1);
  two.scans[0]?.finish();
  await settle();
  expect(await next.submit("j")).toBe("two");
  void answer;
});

test("a result is kept until the store takes it", async () => {
  const store = createStore();
  const hub = createHub(store);
  const { peer, scans } = createConnector("c");
  hub.dispatcher.add(peer);
  const answer = hub.submit("j");
  await settle();
  const finish = store.finish.bind(store);
  store.finish = () => Promise.reject(new Error("away"));
  scans[0]?.finish();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(hub.ends).toEqual([]);
  store.finish = finish;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBe("c");
  expect(hub.ends).toEqual(["ok"]);
});

test("a job that ends no connector's attempt well fails after its last lease; the queue is bounded", async () => {
  const hub = createHub(createStore(), { queueSize: 1 });
  const { peer, scans } = createConnector("c");
  const answer = hub.submit("j");
  expect(await hub.submit("another")).toBe("busy");
  hub.dispatcher.add(peer);
  for (let i = 0; i < 10; i++) {
    await settle();
    scans[i]?.fail(new Error("the connection was lost"));
  }
  expect(await answer).toBe("connector_lost");
  expect(scans).toHaveLength(10);
});
