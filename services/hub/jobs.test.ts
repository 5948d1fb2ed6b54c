import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { type ConnectorPeer, type HeldJob, ScanDispatcher } from "./dispatcher.ts";
import { callerIsGone, JobRunner } from "./jobs.ts";
import { MemoryJobs } from "./memory-jobs.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const body = { target: "a", ports: "80", timeoutMs: 60_000, portTimeoutMs: 100 };
const settle = () => vi.advanceTimersByTimeAsync(0);

function createConnector(instance: string, capacity = 1) {
  const scans: { scan: HubBody<"scan">; finish: () => void; fail: (error: Error) => void; progress: () => void }[] = [];
  const forgotten: HeldJob[] = [];
  const peer = {
    tenant: "t",
    instance,
    capacity,
    isConnected: true,
    forget: (job) => forgotten.push(job),
    scan: (scan, { onProgress, signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new HubError("cancelled", "stopped")));
        const finish = () => resolve({ connector: instance } as HubBody<"result">);
        scans.push({ scan, finish, fail: reject, progress: () => onProgress({ scanned: 1, total: 2, open: 0 }) });
      }),
  } satisfies ConnectorPeer as ConnectorPeer & { isConnected: boolean };
  const lose = (dispatcher: ScanDispatcher) => {
    peer.isConnected = false;
    dispatcher.remove(peer);
    for (const { fail } of scans) fail(new Error("the connection was lost"));
  };
  return { peer, scans, forgotten, lose };
}

/** A hub over a store that it may share with others. */
function createHub(store: MemoryJobs, options: { queueSize?: number; leaseMs?: number } = {}) {
  const dispatcher = new ScanDispatcher();
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
  const submit = (job: string | undefined, signal = new AbortController().signal, onProgress = () => {}) =>
    jobs.submit("t", job === undefined ? body : { ...body, job }, { signal, onProgress }).then(
      (result) => result.connector,
      (error: HubError) => error.code,
    );
  return { dispatcher, jobs, ends, submit };
}

const createStore = () => new MemoryJobs({ now: () => Date.now(), firstToken: 0 });

test("a job that is asked for twice is done once, and both askers get its progress and result", async () => {
  const hub = createHub(createStore());
  const { peer, scans, forgotten } = createConnector("c", 5);
  await hub.jobs.attach(peer, []);
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
  expect(forgotten).toEqual([{ job: "j", lease: 1 }]);
});

test("a job that is asked for at one hub is done at another, and progress and result come back", async () => {
  const store = createStore();
  const [near, far] = [createHub(store), createHub(store)];
  const { peer, scans } = createConnector("c");
  await far.jobs.attach(peer, []);
  let progress = 0;
  const answer = near.submit(undefined, undefined, () => (progress += 1));
  await settle();
  scans[0]?.progress();
  scans[0]?.finish();
  expect(await answer).toBe("c");
  expect(progress).toBe(1);
  expect([near.ends, far.ends]).toEqual([[], ["ok"]]);
});

test("a connector that comes back in time to another hub goes on with its job under the same lease", async () => {
  const store = createStore();
  const [first, second] = [createHub(store), createHub(store)];
  const [before, after, other] = [createConnector("c"), createConnector("c"), createConnector("other")];
  await first.jobs.attach(before.peer, []);
  const answer = first.submit("j");
  await settle();
  before.lose(first.dispatcher);
  await second.jobs.attach(other.peer, []);
  await vi.advanceTimersByTimeAsync(300);
  expect(await second.jobs.attach(after.peer, [{ job: "j", lease: 1 }])).toEqual([{ job: "j", lease: 1 }]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(after.scans.map(({ scan }) => [scan.job, scan.lease])).toEqual([["j", 1]]);
  after.scans[0]?.finish();
  expect(await answer).toBe("c");
  await settle();
  expect(other.scans).toHaveLength(0);
  expect([first.ends, second.ends]).toEqual([[], ["ok"]]);
  expect(after.forgotten).toEqual([{ job: "j", lease: 1 }]);
});

test("a connector that comes back after its lease ran out goes on, if nobody has the job yet", async () => {
  const hub = createHub(createStore());
  const [before, after] = [createConnector("c"), createConnector("c")];
  await hub.jobs.attach(before.peer, []);
  void hub.submit("j");
  await settle();
  before.lose(hub.dispatcher);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await hub.jobs.attach(after.peer, [{ job: "j", lease: 1 }])).toHaveLength(1);
  expect(after.scans[0]?.scan.lease).toBe(1);
});

test("a connector is told to give up a job that has ended, that another one has, or that nobody knows", async () => {
  const hub = createHub(createStore());
  const [lost, next] = [createConnector("lost"), createConnector("next", 2)];
  await hub.jobs.attach(lost.peer, []);
  void hub.submit("taken");
  await settle();
  lost.lose(hub.dispatcher);
  await hub.jobs.attach(next.peer, []);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(next.scans[0]?.scan).toMatchObject({ job: "taken", lease: 2 });
  void hub.submit("done");
  await settle();
  next.scans[1]?.finish();
  await settle();
  const held = ["taken", "done", "never"].map((job) => ({ job, lease: 1 }));
  expect(await hub.jobs.attach(createConnector("lost").peer, held)).toEqual([]);
});

test("a connector whose process started anew lets its jobs go to others at once", async () => {
  const hub = createHub(createStore(), { leaseMs: 3_600_000 });
  const [before, after] = [createConnector("c"), createConnector("c")];
  await hub.jobs.attach(before.peer, []);
  const answer = hub.submit("j");
  await settle();
  before.lose(hub.dispatcher);
  await settle();
  await hub.jobs.attach(after.peer, []);
  await settle();
  after.scans[0]?.finish();
  expect(await answer).toBe("c");
});

test("a job whose connector does not come back goes to another one when its lease is over, and ends once", async () => {
  const hub = createHub(createStore());
  const [one, two] = [createConnector("one"), createConnector("two")];
  await hub.jobs.attach(one.peer, []);
  const answer = hub.submit("j");
  await settle();
  await hub.jobs.attach(two.peer, []);
  one.lose(hub.dispatcher);
  await settle();
  expect(two.scans).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(2_000);
  two.scans[0]?.finish();
  expect(await answer).toBe("two");
  expect(hub.ends).toEqual(["ok"]);
});

test("a connector that refuses for reasons of its own rests, and another one does the job", async () => {
  const hub = createHub(createStore());
  const [busy, other] = [createConnector("busy"), createConnector("other")];
  await hub.jobs.attach(busy.peer, []);
  const answer = hub.submit("j");
  await settle();
  await hub.jobs.attach(other.peer, []);
  busy.scans[0]?.fail(new HubError("busy", "no place"));
  await settle();
  expect(busy.scans).toHaveLength(1);
  other.scans[0]?.finish();
  expect(await answer).toBe("other");
});

test("a connector's refusal of the target is the answer and is not tried elsewhere", async () => {
  const hub = createHub(createStore());
  const [one, two] = [createConnector("one"), createConnector("two")];
  await hub.jobs.attach(one.peer, []);
  const answer = hub.submit("j");
  await settle();
  await hub.jobs.attach(two.peer, []);
  one.scans[0]?.fail(new HubError("target_refused", "outside"));
  expect(await answer).toBe("target_refused");
  expect(two.scans).toHaveLength(0);
});

test("a named job waits in the store for as long as there is no connector of its tenant", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit("j");
  await vi.advanceTimersByTimeAsync(3_600_000);
  const { peer, scans } = createConnector("late");
  await hub.jobs.attach(peer, []);
  await settle();
  scans[0]?.finish();
  expect(await answer).toBe("late");
});

test("a scan without a name has its time from when it is asked for: waiting takes from it", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit(undefined);
  await vi.advanceTimersByTimeAsync(40_000);
  const { peer, scans } = createConnector("late");
  await hub.jobs.attach(peer, []);
  await settle();
  expect(scans[0]?.scan.timeoutMs).toBe(20_000);
  const crowded = hub.submit(undefined);
  scans[0]?.finish();
  expect(await answer).toBe("late");
  await settle();
  const waiting = hub.submit(undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await waiting).toBe("busy");
  void crowded;
});

test("a scan without a name fails as no_connector when its time is over and there is none", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit(undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answer).toBe("no_connector");
});

test("a named job goes on when its asker is gone, who finds the result later; one without a name ends", async () => {
  const hub = createHub(createStore());
  const { peer, scans } = createConnector("c", 2);
  await hub.jobs.attach(peer, []);
  const abort = new AbortController();
  void hub.submit("j", abort.signal);
  void hub.submit(undefined, abort.signal);
  await settle();
  abort.abort(callerIsGone);
  await settle();
  expect(hub.ends).toEqual(["cancelled"]);
  scans[0]?.finish();
  await settle();
  expect(await hub.submit("j")).toBe("c");
  expect(scans).toHaveLength(2);
});

test("a job that is cancelled ends for everybody at every hub, and a connector's later result does not count", async () => {
  const store = createStore();
  const [hub, other] = [createHub(store), createHub(store)];
  const { peer, scans } = createConnector("c");
  await hub.jobs.attach(peer, []);
  const abort = new AbortController();
  const answers = [hub.submit("j"), other.submit("j", abort.signal)];
  await settle();
  abort.abort();
  expect(await Promise.all(answers)).toEqual(["cancelled", "cancelled"]);
  scans[0]?.finish();
  await settle();
  expect(await hub.submit("j")).toBe("cancelled");
  expect([...hub.ends, ...other.ends]).toEqual(["cancelled"]);
  expect(await hub.jobs.cancel("t", "j")).toBe(false);
});

test("a job that is put in without waiting is done; whoever asks for it later gets the result", async () => {
  const hub = createHub(createStore());
  const { peer, scans } = createConnector("c");
  await hub.jobs.attach(peer, []);
  expect(await hub.jobs.enqueue("t", "j", body)).toBe("added");
  await settle();
  scans[0]?.finish();
  await settle();
  expect(await hub.submit("j")).toBe("c");
});

test("what a hub that is cut off holds goes to another one when its lease is over; its late result is refused", async () => {
  const store = createStore();
  const [dead, alive] = [createHub(store), createHub(store)];
  const [one, two] = [createConnector("one"), createConnector("two")];
  await dead.jobs.attach(one.peer, []);
  void dead.submit("j");
  await settle();
  const renew = store.renew.bind(store);
  store.renew = (lease, leaseMs) =>
    lease.token === 1 ? Promise.reject(new Error("this hub is cut off")) : renew(lease, leaseMs);
  await alive.jobs.attach(two.peer, []);
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
  await first.jobs.attach(one.peer, []);
  const answer = first.submit("j");
  await settle();
  await second.jobs.attach(two.peer, []);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(two.scans).toHaveLength(0);
  one.scans[0]?.finish();
  expect(await answer).toBe("one");
});

test("a hub that stops leaves its jobs to their connectors, which take them to another hub", async () => {
  const store = createStore();
  const [old, next] = [createHub(store), createHub(store)];
  const [before, after] = [createConnector("c"), createConnector("c")];
  await old.jobs.attach(before.peer, []);
  void old.submit("j");
  await settle();
  before.lose(old.dispatcher);
  const stopped = old.jobs.stop();
  await vi.advanceTimersByTimeAsync(10);
  await stopped;
  await next.jobs.attach(after.peer, [{ job: "j", lease: 1 }]);
  after.scans[0]?.finish();
  expect(await next.submit("j")).toBe("c");
});

test("a result is kept until the store takes it, and the connector keeps it as long", async () => {
  const store = createStore();
  const hub = createHub(store);
  const { peer, scans, forgotten } = createConnector("c");
  await hub.jobs.attach(peer, []);
  const answer = hub.submit("j");
  await settle();
  const finish = store.finish.bind(store);
  store.finish = () => Promise.reject(new Error("away"));
  scans[0]?.finish();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([hub.ends, forgotten]).toEqual([[], []]);
  store.finish = finish;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBe("c");
  await settle();
  expect(hub.ends).toEqual(["ok"]);
  expect(forgotten).toHaveLength(1);
});

test("a connector's jobs are looked up as soon as the store is back, and it gets no scan before", async () => {
  const store = createStore();
  const hub = createHub(store);
  const renew = store.renew.bind(store);
  store.renew = () => Promise.reject(new Error("away"));
  const { peer, scans } = createConnector("c", 2);
  await store.put("t", "held", { ...body, job: "held" }, 10);
  await store.claim("t", 900);
  const attached = hub.jobs.attach(peer, [{ job: "held", lease: 1 }]);
  void hub.submit("next");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(scans).toHaveLength(0);
  store.renew = renew;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await attached).toHaveLength(1);
  expect(scans.map(({ scan }) => scan.job).toSorted()).toEqual(["held", "next"]);
});

test("a job over which every connector is lost fails after its last lease; the queue is bounded", async () => {
  const hub = createHub(createStore(), { queueSize: 1 });
  const answer = hub.submit("j");
  expect(await hub.submit("another")).toBe("busy");
  for (let i = 0; i < 12; i++) {
    const { peer, lose } = createConnector(`c${i}`);
    await hub.jobs.attach(peer, []);
    await vi.advanceTimersByTimeAsync(10);
    lose(hub.dispatcher);
    await vi.advanceTimersByTimeAsync(2_000);
  }
  expect(await answer).toBe("connector_lost");
});

test("a job that a connector refuses while it shuts down, or is busy, keeps its leases and waits for another one", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit("j");
  const [busy, leaving, other] = [createConnector("busy"), createConnector("leaving"), createConnector("other")];
  await hub.jobs.attach(busy.peer, []);
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(2_000);
    busy.scans.at(-1)?.fail(new HubError("busy", "no place"));
  }
  await settle();
  busy.lose(hub.dispatcher);
  await hub.jobs.attach(leaving.peer, []);
  await settle();
  leaving.scans[0]?.fail(new HubError("shutting_down", "it drains"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(leaving.scans).toHaveLength(1);
  await hub.jobs.attach(other.peer, []);
  await settle();
  other.scans[0]?.finish();
  expect(await answer).toBe("other");
  expect(busy.scans.length).toBeGreaterThan(10);
});

test("a job over which a connector fails inside again and again is not tried for ever", async () => {
  const hub = createHub(createStore());
  const answer = hub.submit("j");
  const { peer, scans } = createConnector("c");
  await hub.jobs.attach(peer, []);
  for (let i = 0; i < 10; i++) {
    await vi.advanceTimersByTimeAsync(2_000);
    scans.at(-1)?.fail(new HubError("internal", "a defect"));
  }
  expect(await answer).toBe("internal");
});

test("a scan without a name ends soon after its time though its connector is lost, whatever the hub's clock says", async () => {
  const hub = createHub(createStore(), { leaseMs: 3_600_000 });
  const { peer, lose } = createConnector("c");
  await hub.jobs.attach(peer, []);
  const answer = hub.submit(undefined);
  await settle();
  lose(hub.dispatcher);
  const elapsed = vi.advanceTimersByTimeAsync(64_000);
  const early = await Promise.race([answer, elapsed.then(() => "none")]);
  expect(early).toBe("none");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBe("timeout");
});

test("a scan that runs is not ended early by a hub whose clock is ahead of the store's", async () => {
  const store = createStore();
  const get = store.get.bind(store);
  store.get = async (...job) => {
    const found = await get(...job);
    return found && { ...found, submittedAt: new Date(Date.now() - 3_600_000).toISOString() };
  };
  const hub = createHub(store);
  const { peer, scans } = createConnector("c");
  await hub.jobs.attach(peer, []);
  const answer = hub.submit(undefined);
  await vi.advanceTimersByTimeAsync(60_500);
  scans[0]?.finish();
  expect(await answer).toBe("c");
});

test("a store that hangs and then fails ends the scans that wait for it, and nothing else", async () => {
  const store = createStore();
  const hang = () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error("Command timed out")), 70_000));
  store.put = hang;
  store.get = hang;
  const hub = createHub(store);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const gone = new AbortController();
  const answers = [hub.submit(undefined, gone.signal), hub.submit(undefined)];
  gone.abort(callerIsGone);
  await vi.advanceTimersByTimeAsync(140_000);
  expect(await Promise.all(answers)).toEqual(["busy", "busy"]);
  vi.useRealTimers();
  await new Promise(setImmediate);
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});
