import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Changes } from "#lib/kubernetes/reflector.ts";
import { FleetStore } from "./live.ts";
import type { LiveMessage } from "./schemas.ts";
import type { Subscription } from "./subscription.ts";
import {
  candidateOf,
  controllerRevision,
  deployment,
  pod,
  replicaSet,
  statefulPod,
  statefulSet,
  trouble,
} from "./test-objects.ts";

const relay = deployment();
const set = replicaSet(relay);
const hub = deployment({ name: "hub" });
const hubSet = replicaSet(hub);

let store: FleetStore;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-01T10:01:00Z") });
  store = new FleetStore({ now: () => new Date(), tickMs: 150 });
  store.setFeed({ name: "kubernetes", state: "connected", lastError: null, hint: null });
  store.applyWorkloads(add(relay, hub));
  store.applyRevisions(add(set, hubSet));
  store.applyPods(add(pod(set, "relay-a"), pod(set, "relay-b"), pod(hubSet, "hub-a")));
  vi.advanceTimersByTime(150);
});

afterEach(() => {
  store.close();
  vi.useRealTimers();
});

function add<T>(...upserted: T[]): Changes<T> {
  return { upserted, removed: [] };
}

async function read(subscription: Subscription): Promise<readonly LiveMessage[]> {
  const next = subscription.next(1);
  await vi.advanceTimersByTimeAsync(1);
  return (await next) ?? [];
}

async function follow(serviceId: string | null) {
  const subscription = store.subscribe(serviceId);
  const [snapshot] = await read(subscription);
  return { subscription, snapshot };
}

describe("a Deployment and a StatefulSet of one name", () => {
  const managed = deployment({ name: "redis" });
  const other = statefulSet();
  other.metadata.labels = {};
  const services = () => store.listServices().map(({ name, workload }) => [name, workload]);

  test.each([
    ["the managed one first", [managed, other]],
    ["the managed one last", [other, managed]],
  ])("are two workloads, of which the managed one is the service: %s", (_, workloads) => {
    for (const workload of workloads) store.applyWorkloads(add(workload));
    expect(services()).toContainEqual(["redis", "Deployment"]);
    store.applyWorkloads({ upserted: [], removed: [other] });
    expect(services()).toContainEqual(["redis", "Deployment"]);
    store.applyWorkloads({ upserted: [other], removed: [managed] });
    expect(services().map(([name]) => name)).not.toContain("redis");
  });
});

describe("a rollout's candidate", () => {
  const candidate = candidateOf(relay);
  const candidateSet = replicaSet(candidate, { hash: "hashc" });
  const candidatePod = pod(candidateSet, "relay-candidate-a");
  const serviceNow = () => store.findService("fleet/relay");

  beforeEach(() => {
    store.applyWorkloads(add(candidate));
    store.applyRevisions(add(candidateSet));
    store.applyPods(add(candidatePod));
    vi.advanceTimersByTime(150);
  });

  test("is no service of its own: its pods are instances of the service that it stands beside, marked", () => {
    expect(store.listServices().map(({ id }) => id)).toEqual(["fleet/relay", "fleet/hub"]);
    expect(serviceNow()?.live.instances.map(({ name, track, version }) => [name, track, version])).toEqual([
      ["relay-a", "stable", "2.0.0"],
      ["relay-b", "stable", "2.0.0"],
      ["relay-candidate-a", "candidate", "2.1.0"],
    ]);
    expect(serviceNow()?.live.instances.at(-1)).toMatchObject({ service: "relay", revision: null, templateHash: "hashc" });
  });

  test("is told beside the service's own numbers, which stay those of its own Deployment", () => {
    expect(serviceNow()?.service).toMatchObject({
      desired: 3,
      version: "2.0.0",
      candidate: { name: "relay-candidate", version: "2.1.0", templateHash: "hashc", desired: 1, ready: 1, available: 1 },
    });
    expect(store.listRevisions("fleet/relay")?.map(({ templateHash }) => templateHash)).toEqual(["hash1"]);
  });

  test("tells the service's viewers of its instances and its events", async () => {
    const { subscription } = await follow("fleet/relay");
    store.applyPods(add(pod(candidateSet, "relay-candidate-b")));
    const about = { kind: "Pod", namespace: "fleet", name: `${candidateSet.metadata.name}-b`, uid: "b" };
    store.applyEvents(add({ metadata: { ...set.metadata, uid: "started" }, involvedObject: about, reason: "Started" }));
    vi.advanceTimersByTime(150);
    const messages = await read(subscription);
    const instances = messages.find(({ type }) => type === "instances");
    expect(instances).toMatchObject({ service: "fleet/relay", upserted: [{ name: "relay-candidate-b", track: "candidate" }] });
    expect(messages.find(({ type }) => type === "events")).toMatchObject({ upserted: [{ uid: "started" }] });
    expect(serviceNow()?.live.events).toMatchObject([{ objectName: about.name }]);
  });

  test("is gone from the service once its Deployment is", () => {
    store.applyWorkloads({ upserted: [], removed: [candidate] });
    expect(serviceNow()?.service.candidate).toBeNull();
    expect(serviceNow()?.live.instances.map(({ name }) => name)).toEqual(["relay-a", "relay-b"]);
  });

  test("belongs to its service in whatever order they arrive", () => {
    const other = new FleetStore({ now: () => new Date() });
    other.applyPods(add(candidatePod));
    other.applyRevisions(add(candidateSet));
    other.applyWorkloads(add(candidate));
    other.applyWorkloads(add(relay));
    expect(other.findService("fleet/relay")?.live.instances).toMatchObject([{ track: "candidate" }]);
    expect(other.index.findWorkloadOf(candidatePod)).toBe(relay);
    other.close();
  });

  test("is none without the name that a rollout gives it, or as a service of its own", () => {
    const { metadata } = candidate;
    const named = { ...candidate, metadata: { ...metadata, name: "relay-other", uid: "other" } };
    const managed = { ...candidate, metadata: { ...metadata, labels: { ...metadata.labels, "switchyard.dev/kind": "relay" } } };
    store.applyWorkloads({ upserted: [named, managed], removed: [] });
    expect(serviceNow()?.service.candidate).toBeNull();
    expect(store.listServices().map(({ id }) => id)).toContain("fleet/relay-candidate");
  });
});

describe("a viewer", () => {
  test("gets a snapshot first, with the one service in detail that its page shows", async () => {
    const { snapshot } = await follow("fleet/relay");
    if (snapshot?.type !== "snapshot") throw new Error("no snapshot");
    expect(snapshot.services.map(({ id }) => id).toSorted()).toEqual(["fleet/hub", "fleet/relay"]);
    expect(snapshot.service?.instances.map(({ name }) => name)).toEqual(["relay-a", "relay-b"]);
  });

  test("gets many changes within a tick as one message, and only what changed", async () => {
    const { subscription } = await follow("fleet/relay");
    for (let restarts = 1; restarts <= 50; restarts += 1) {
      store.applyPods(add(pod(set, "relay-a", { container: { ...trouble.crashLoop, restartCount: restarts } })));
    }
    vi.advanceTimersByTime(150);
    const messages = await read(subscription);
    expect(messages.map(({ type }) => type)).toEqual(["services", "instances"]);
    const [services, instances] = messages;
    if (services?.type !== "services" || instances?.type !== "instances") throw new Error("other messages");
    expect(services.changed).toEqual([
      { key: "fleet/relay", fields: { restarts: 50, health: "degraded", healthReason: expect.any(String) } },
    ]);
    expect(instances.changed?.map(({ key, fields }) => [key, fields.restarts])).toEqual([["pod-relay-a", 50]]);
    expect([...services.upserted, ...instances.upserted]).toEqual([]);
  });

  test("gets what has changed whole once more after a while, and then no more", async () => {
    const { subscription } = await follow("fleet/relay");
    store.applyPods(add(pod(set, "relay-a", { container: trouble.crashLoop })));
    vi.advanceTimersByTime(150);
    await read(subscription);
    vi.advanceTimersByTime(13_000);
    const messages = await read(subscription);
    const [services, instances] = messages;
    if (services?.type !== "services" || instances?.type !== "instances") throw new Error("other messages");
    expect(services.upserted).toEqual([store.findService("fleet/relay")?.service]);
    expect(instances.upserted.map(({ name, restarts }) => [name, restarts])).toEqual([["relay-a", 4]]);
    expect([services.changed, instances.changed]).toEqual([undefined, undefined]);
    vi.advanceTimersByTime(60_000);
    expect(await read(subscription)).toEqual([]);
  });

  test("is sent an event that came, and not the events before it", async () => {
    const about = (name: string) => ({ kind: "Pod", namespace: "fleet", name: `${set.metadata.name}-${name}`, uid: name });
    const event = (uid: string) => ({ metadata: { ...set.metadata, uid }, involvedObject: about(uid), reason: "Started" });
    store.applyEvents(add(event("first")));
    vi.advanceTimersByTime(150);
    const { subscription } = await follow("fleet/relay");
    store.applyEvents(add(event("second"), { ...event("other"), involvedObject: { ...about("x"), name: "hub-hash1-x" } }));
    vi.advanceTimersByTime(150);
    const [events] = await read(subscription);
    if (events?.type !== "events") throw new Error("no events");
    expect(events.upserted.map(({ uid }) => uid)).toEqual(["second"]);
  });

  test("is told of events without a look at the pods, of which there may be thousands", async () => {
    const { subscription } = await follow("fleet/relay");
    const findFamily = vi.spyOn(store.index, "findFamily");
    const involvedObject = { kind: "ReplicaSet", namespace: "fleet", name: set.metadata.name, uid: "set" };
    store.applyEvents(add({ metadata: { ...set.metadata, uid: "one" }, involvedObject, reason: "SuccessfulCreate" }));
    vi.advanceTimersByTime(150);
    expect((await read(subscription)).map(({ type }) => type)).toEqual(["events"]);
    expect(findFamily).not.toHaveBeenCalled();
  });

  test("shares its messages, and the snapshot of a quiet fleet, with every viewer of the same page", async () => {
    const [first, second] = [await follow("fleet/relay"), await follow("fleet/relay")];
    expect(second.snapshot).toBe(first.snapshot);
    store.applyPods(add(pod(set, "relay-a", { container: trouble.crashLoop })));
    vi.advanceTimersByTime(150);
    expect(await read(second.subscription)).toBe(await read(first.subscription));
    expect((await follow("fleet/relay")).snapshot).not.toBe(first.snapshot);
  });

  test("of one service hears nothing of another's instances", async () => {
    const { subscription } = await follow("fleet/hub");
    store.applyPods(add(pod(set, "relay-a", { container: trouble.crashLoop })));
    vi.advanceTimersByTime(150);
    expect((await read(subscription)).map(({ type }) => type)).toEqual(["services"]);
  });

  test("hears of removals", async () => {
    const { subscription } = await follow("fleet/relay");
    store.applyPods({ upserted: [], removed: [pod(set, "relay-b")] });
    store.applyWorkloads({ upserted: [], removed: [hub] });
    vi.advanceTimersByTime(150);
    const messages = await read(subscription);
    expect(messages).toContainEqual({ type: "instances", service: "fleet/relay", upserted: [], removed: ["pod-relay-b"] });
    expect(messages).toContainEqual({ type: "services", upserted: [], removed: ["fleet/hub"] });
  });

  test("that reads too slowly gets one fresh snapshot in place of a growing queue", async () => {
    const { subscription } = await follow("fleet/relay");
    for (let restarts = 1; restarts <= 200; restarts += 1) {
      store.applyPods(add(pod(set, "relay-a", { container: { ...trouble.crashLoop, restartCount: restarts } })));
      vi.advanceTimersByTime(150);
    }
    const messages = await read(subscription);
    expect(messages).toHaveLength(1);
    const [snapshot] = messages;
    if (snapshot?.type !== "snapshot") throw new Error("no snapshot");
    expect(snapshot.service?.instances[0]?.restarts).toBe(200);
    expect(await read(subscription)).toEqual([]);
  });

  test("gets nothing while nothing that it sees changes, and null once it is closed", async () => {
    const { subscription } = await follow("fleet/relay");
    store.applyPods(add(pod(set, "relay-a", { status: { startTime: "2026-11-01T10:00:01Z" } })));
    vi.advanceTimersByTime(150);
    expect(await read(subscription)).toEqual([]);
    const waiting = subscription.next(60_000);
    subscription.close();
    expect(await waiting).toEqual(null);
    expect(store.viewers).toBe(0);
  });

  test("sees every service as unknown while the cluster is silent, and as it was afterwards", async () => {
    const { subscription } = await follow(null);
    store.setFeed({ name: "kubernetes", state: "stale", lastError: "the connection was cut.", hint: null });
    vi.advanceTimersByTime(150);
    const services = (await read(subscription)).find(({ type }) => type === "services");
    if (services?.type !== "services") throw new Error("no services");
    expect(services.changed?.map(({ fields }) => fields.health)).toEqual(["unknown", "unknown"]);
    store.setFeed({ name: "kubernetes", state: "connected", lastError: null, hint: null });
    expect(store.listServices().map(({ health }) => health)).toEqual(["healthy", "healthy"]);
  });

  test("is sent the figures that changed only", async () => {
    const figures = { requestsPerSecond: 12, errorRatio: 0, latencyP95Seconds: 0.01 };
    store.setFigures({ "fleet/relay": figures, "fleet/hub": figures });
    vi.advanceTimersByTime(150);
    const { subscription } = await follow(null);
    store.setFigures({ "fleet/relay": { ...figures, errorRatio: 0.5 }, "fleet/hub": figures });
    vi.advanceTimersByTime(150);
    expect(await read(subscription)).toEqual([{ type: "figures", services: { "fleet/relay": { ...figures, errorRatio: 0.5 } } }]);
  });
});

describe("the store", () => {
  test("asks for figures when the first viewer comes and when a service is looked at that has none yet", () => {
    const asked = vi.fn();
    store.whenFiguresWanted(asked);
    store.subscribe(null);
    expect(asked).toHaveBeenCalledTimes(1);
    store.subscribe(null);
    expect(asked).toHaveBeenCalledTimes(1);
    store.subscribe("fleet/relay");
    expect(asked).toHaveBeenCalledTimes(2);
    store.setInstanceFigures("fleet/relay", {});
    store.subscribe("fleet/relay");
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("knows a service's parts in whatever order they arrive", () => {
    const other = new FleetStore({ now: () => new Date() });
    other.applyPods(add(pod(set, "relay-a")));
    other.applyRevisions(add(set));
    other.applyWorkloads(add(relay));
    expect(other.findService("fleet/relay")?.live.instances).toHaveLength(1);
    other.close();
  });

  test("describes only the service whose pod changed", () => {
    const before = new Map(store.listServices().map((service) => [service.id, service]));
    store.applyPods(add(pod(set, "relay-a", { container: trouble.crashLoop })));
    const after = new Map(store.listServices().map((service) => [service.id, service]));
    expect(after.get("fleet/hub")).toBe(before.get("fleet/hub"));
    expect(after.get("fleet/relay")).not.toBe(before.get("fleet/relay"));
  });

  test("forgets a service that loses its label", () => {
    store.applyWorkloads(add({ ...hub, metadata: { ...hub.metadata, labels: {}, resourceVersion: "999" } }));
    expect(store.listServices().map(({ id }) => id)).toEqual(["fleet/relay"]);
  });

  test("shows a StatefulSet with its history, its pods and what happens to them", () => {
    const redis = statefulSet();
    const revision = controllerRevision(redis);
    const member = statefulPod(redis, revision, 0);
    store.applyWorkloads(add(redis));
    store.applyRevisions(add(revision));
    store.applyPods(add(member));
    const about = { kind: "Pod", namespace: "fleet", name: "redis-0", uid: member.metadata.uid };
    store.applyEvents(add({ metadata: { ...member.metadata, uid: "e" }, involvedObject: about, reason: "Started" }));
    const redisNow = store.findService("fleet/redis");
    expect(redisNow?.service).toMatchObject({
      workload: "StatefulSet",
      health: "healthy",
      revision: 1,
      templateHash: "redis-hash1",
    });
    expect(redisNow?.live.instances).toMatchObject([{ name: "redis-0", revision: 1 }]);
    expect(redisNow?.live.events).toMatchObject([{ reason: "Started", objectName: "redis-0" }]);
    expect(store.listRevisions("fleet/redis")).toMatchObject([
      { revision: 1, source: "ControllerRevision redis-hash1", replicas: 1, current: true },
    ]);
  });

  test("keeps the instances of a service that was deleted and made anew apart", () => {
    const again = { ...relay, metadata: { ...relay.metadata, uid: "another" } };
    store.applyWorkloads({ upserted: [again], removed: [relay] });
    expect(store.findService("fleet/relay")?.live.instances).toEqual([]);
  });
});
