import { describe, expect, it } from "vitest";
import type { Pod } from "../objects.ts";
import { pod as makePod, template } from "../test/objects.ts";
import type { VolumeClaim } from "../volumes/types.ts";
import { planStatefulSet } from "./plan.ts";
import { planRevision, surplusRevisions } from "./revisions.ts";
import { planStatus } from "./status.ts";
import type { ControllerRevision, StatefulSet } from "./types.ts";

const now = new Date("2026-01-01T01:00:00Z");
const labels = { app: "relay" };

function revision(name: string, number: number, image = `switchyard/relay:${number}.0.0`): ControllerRevision {
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name, namespace: "fleet", uid: `${name}-uid`, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    revision: number,
    data: { spec: { template: { ...template(image), $patch: "replace" } } },
  };
}

const one = revision("redis-1", 1);
const two = revision("redis-2", 2);

function setOf(spec: Partial<StatefulSet["spec"]> = {}, status?: StatefulSet["status"]): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: {
      name: "redis",
      namespace: "fleet",
      uid: "set-uid",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: {
      replicas: 3,
      serviceName: "redis",
      selector: { matchLabels: labels },
      template: template("switchyard/relay:2.0.0"),
      ...spec,
    },
    ...(status ? { status } : {}),
  } as StatefulSet;
}

function member(ordinal: number, options: Parameters<typeof makePod>[1] & { at?: string } = {}): Pod {
  const name = `redis-${ordinal}`;
  const identity = { "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(ordinal) };
  const all = { ...labels, ...identity, "controller-revision-hash": options.at ?? "redis-2" };
  return makePod(name, { ...options, labels: all });
}

const ended = { deletionTimestamp: "2026-01-01T00:59:00Z" };

function plan(set: StatefulSet, pods: Pod[], claims: VolumeClaim[] = [], current = two) {
  const claim = (name: string) => claims.find(({ metadata }) => metadata.name === name);
  return planStatefulSet({ set, pods, claim, now, revisions: { current, update: two } });
}

const created = (result: ReturnType<typeof plan>) => result.create.map(({ pod }) => pod.metadata.name);
const removed = (result: ReturnType<typeof plan>) => result.remove.map(({ metadata }) => metadata.name);

describe("pods of a StatefulSet with OrderedReady", () => {
  it("come one after the other, each when all before it are running and ready", () => {
    expect(created(plan(setOf(), []))).toEqual(["redis-0"]);
    expect(created(plan(setOf(), [member(0, { readySince: false })]))).toEqual([]);
    expect(created(plan(setOf(), [member(0, { phase: "Pending" })]))).toEqual([]);
    expect(created(plan(setOf(), [member(0)]))).toEqual(["redis-1"]);
    expect(created(plan(setOf(), [member(0), member(2)]))).toEqual(["redis-1"]);
  });

  it("wait for minReadySeconds of the one before, and look again when they are over", () => {
    const young = member(0, { readySince: "2026-01-01T00:59:55Z" });
    const result = plan(setOf({ minReadySeconds: 20 }), [young]);
    expect(created(result)).toEqual([]);
    expect(result.requeueAfterMs).toBe(15_000);
  });

  it("carry their name, index, revision, hostname and subdomain", () => {
    const [first] = plan(setOf(), []).create;
    expect(first?.pod.metadata.labels).toMatchObject({
      app: "relay",
      "statefulset.kubernetes.io/pod-name": "redis-0",
      "apps.kubernetes.io/pod-index": "0",
      "controller-revision-hash": "redis-2",
    });
    expect(first?.pod.spec).toMatchObject({ hostname: "redis-0", subdomain: "redis" });
    expect(first?.pod.metadata.ownerReferences).toMatchObject([{ kind: "StatefulSet", uid: "set-uid", controller: true }]);
  });

  it("are numbered from spec.ordinals.start", () => {
    expect(created(plan(setOf({ ordinals: { start: 5 } }), []))).toEqual(["redis-5"]);
    const moved = plan(setOf({ replicas: 1, ordinals: { start: 5 } }), [member(0), member(5)]);
    expect(removed(moved)).toEqual(["redis-0"]);
  });

  it("that are being deleted are never doubled, however long their node is silent", () => {
    const result = plan(setOf(), [member(0, { metadata: ended }), member(1), member(2)]);
    expect(result).toMatchObject({ create: [], remove: [] });
  });

  it("that ended are deleted, to be made anew", () => {
    expect(removed(plan(setOf(), [member(0, { phase: "Failed" }), member(1)]))).toEqual(["redis-0"]);
    expect(removed(plan(setOf(), [member(0, { phase: "Succeeded" }), member(1)]))).toEqual(["redis-0"]);
  });

  it("go one after the other from the highest ordinal, each when the one before is gone", () => {
    const pods = [member(0), member(1), member(2)];
    expect(removed(plan(setOf({ replicas: 1 }), pods))).toEqual(["redis-2"]);
    expect(removed(plan(setOf({ replicas: 1 }), [member(0), member(1), member(2, { metadata: ended })]))).toEqual([]);
  });

  it("do not go while one that stays is unhealthy", () => {
    expect(removed(plan(setOf({ replicas: 1 }), [member(0, { readySince: false }), member(1)]))).toEqual([]);
  });

  it("get back the labels that say who they are", () => {
    const lost = makePod("redis-0", { labels: { ...labels, "controller-revision-hash": "redis-2" } });
    const [relabelled] = plan(setOf({ replicas: 1 }), [lost]).relabel;
    expect(relabelled?.metadata.labels).toMatchObject({ "apps.kubernetes.io/pod-index": "0" });
  });

  it("are left alone once the set is being deleted", () => {
    const set = setOf();
    const going = { ...set, metadata: { ...set.metadata, ...ended } };
    expect(plan(going, [member(0)])).toEqual({ create: [], claims: [], remove: [], relabel: [], retain: [] });
  });
});

describe("pods of a StatefulSet with Parallel", () => {
  const parallel = (spec: Partial<StatefulSet["spec"]> = {}) => setOf({ podManagementPolicy: "Parallel", ...spec });

  it("come and go all at once", () => {
    expect(created(plan(parallel(), []))).toEqual(["redis-0", "redis-1", "redis-2"]);
    const pods = [member(0, { readySince: false }), member(1), member(2)];
    expect(removed(plan(parallel({ replicas: 1 }), pods))).toEqual(["redis-2", "redis-1"]);
  });
});

describe("a rolling update", () => {
  const old = (ordinal: number, options: Parameters<typeof member>[1] = {}) => member(ordinal, { ...options, at: "redis-1" });

  it("replaces the highest ordinal first, and waits for it to be ready", () => {
    expect(removed(plan(setOf(), [old(0), old(1), old(2)], [], one))).toEqual(["redis-2"]);
    expect(removed(plan(setOf(), [old(0), old(1), member(2, { readySince: false })], [], one))).toEqual([]);
    expect(removed(plan(setOf(), [old(0), old(1), member(2)], [], one))).toEqual(["redis-1"]);
    expect(removed(plan(setOf(), [old(0), member(1), member(2)], [], one))).toEqual(["redis-0"]);
  });

  it("leaves ordinals below the partition at the current revision, new ones too", () => {
    const set = setOf({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } });
    expect(removed(plan(set, [old(0), old(1), old(2)], [], one))).toEqual(["redis-2"]);
    expect(removed(plan(set, [old(0), old(1), member(2)], [], one))).toEqual([]);
    const [anew] = plan(set, [old(0), member(2)], [], one).create;
    expect(anew?.pod.metadata).toMatchObject({ name: "redis-1", labels: { "controller-revision-hash": "redis-1" } });
    expect(anew?.pod.spec).toMatchObject({ containers: [{ image: "switchyard/relay:1.0.0" }] });
  });

  it("deletes nothing with OnDelete, but makes deleted pods at the new revision", () => {
    const set = setOf({ updateStrategy: { type: "OnDelete" } });
    expect(removed(plan(set, [old(0), old(1), old(2)], [], one))).toEqual([]);
    const [anew] = plan(set, [old(0), old(2)], [], one).create;
    expect(anew?.pod.metadata.labels).toMatchObject({ "controller-revision-hash": "redis-2" });
  });

  it("waits for a broken pod even when the template is mended, until somebody deletes the pod", () => {
    const broken = member(2, { readySince: false, at: "redis-broken" });
    expect(removed(plan(setOf(), [old(0), old(1), broken], [], one))).toEqual([]);
    const [anew] = plan(setOf(), [old(0), old(1)], [], one).create;
    expect(anew?.pod.metadata).toMatchObject({ name: "redis-2", labels: { "controller-revision-hash": "redis-2" } });
  });

  it("replaces a broken pod of an older revision by itself with Parallel", () => {
    const broken = member(2, { readySince: false, at: "redis-broken" });
    expect(removed(plan(setOf({ podManagementPolicy: "Parallel" }), [old(0), old(1), broken], [], one))).toEqual(["redis-2"]);
  });

  it("looks again when a pod becomes available, though nothing is to be replaced", () => {
    const young = member(0, { readySince: "2026-01-01T00:59:55Z" });
    const set = setOf({
      replicas: 1,
      minReadySeconds: 20,
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
    });
    expect(plan(set, [young]).requeueAfterMs).toBe(15_000);
  });

  it("takes as many at once as maxUnavailable allows", () => {
    const set = setOf({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } } });
    expect(removed(plan(set, [old(0), old(1), old(2)], [], one))).toEqual(["redis-2", "redis-1"]);
  });
});

describe("claims from templates", () => {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const withClaims = (more: Partial<StatefulSet["spec"]> = {}) =>
    setOf({ replicas: 1, volumeClaimTemplates: [{ metadata: { name: "data" }, spec }], ...more });
  const claim = (name: string, metadata: object = {}): VolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name,
      namespace: "fleet",
      uid: `${name}-uid`,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...metadata,
    },
    spec,
  });

  it("are named TEMPLATE-POD, made before the pod, and mounted by it", () => {
    const [first] = plan(withClaims(), []).create;
    expect(first?.claims.map(({ metadata }) => metadata.name)).toEqual(["data-redis-0"]);
    expect(first?.claims[0]?.metadata.labels).toEqual(labels);
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-redis-0" } }];
    expect(first?.pod.spec).toMatchObject({ volumes });
  });

  it("are taken over when they exist, and made again for a pod that waits for a lost one", () => {
    expect(plan(withClaims(), [], [claim("data-redis-0")]).create[0]?.claims).toEqual([]);
    const waiting = plan(withClaims(), [member(0, { phase: "Pending", readySince: false })]);
    expect(waiting.claims.map(({ claim: wanted }) => wanted.metadata.name)).toEqual(["data-redis-0"]);
  });

  it("hold the pod back while they are being deleted", () => {
    expect(plan(withClaims(), [], [claim("data-redis-0", ended)]).create).toEqual([]);
  });

  it("belong to nobody by default, to the set with whenDeleted, and to a condemned pod with whenScaled", () => {
    expect(plan(withClaims(), [member(0)], [claim("data-redis-0")]).retain).toEqual([]);
    const deleted = withClaims({ persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } });
    const [kept] = plan(deleted, [member(0)], [claim("data-redis-0")]).retain;
    expect(kept?.metadata.ownerReferences).toMatchObject([{ kind: "StatefulSet", uid: "set-uid" }]);
    const scaled = withClaims({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } });
    const result = plan(scaled, [member(0), member(1)], [claim("data-redis-0"), claim("data-redis-1")]);
    expect(result.retain.map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.kind])).toEqual([
      ["data-redis-1", "Pod"],
    ]);
  });
});

describe("the history of a StatefulSet", () => {
  it("gets a revision for a template that is new, named by its hash", () => {
    const planned = planRevision(setOf({ template: template("switchyard/relay:3.0.0") }), [one, two]);
    expect(planned).toMatchObject({
      action: "create",
      revision: { revision: 3, data: { spec: { template: { $patch: "replace" } } } },
    });
  });

  it("keeps the newest one for the same template, and raises an older one for a rollback", () => {
    expect(planRevision(setOf(), [one, two])).toEqual({ action: "keep", update: two });
    const back = planRevision(setOf({ template: template("switchyard/relay:1.0.0") }), [one, two]);
    expect(back).toMatchObject({ action: "raise", update: { metadata: { name: "redis-1" }, revision: 3 } });
  });

  it("loses the oldest revisions above the limit that nothing uses", () => {
    const all = [one, two, revision("redis-3", 3), revision("redis-4", 4)];
    const used = [member(0, { at: "redis-2" })];
    const surplus = surplusRevisions(setOf({ revisionHistoryLimit: 1 }), all, used, [revision("redis-4", 4)]);
    expect(surplus.map(({ metadata }) => metadata.name)).toEqual(["redis-1"]);
  });
});

describe("the status of a StatefulSet", () => {
  it("counts pods by revision, and keeps both revisions while a rollout is under way", () => {
    const pods = [member(0, { at: "redis-1" }), member(1, { at: "redis-1" }), member(2)];
    expect(planStatus(setOf(), pods, { current: one, update: two }, now)).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 2,
      updatedReplicas: 1,
      currentRevision: "redis-1",
      updateRevision: "redis-2",
    });
  });

  it("makes the new revision the current one when all pods are of it and ready", () => {
    const status = planStatus(setOf(), [member(0), member(1), member(2)], { current: one, update: two }, now);
    expect(status).toMatchObject({ currentRevision: "redis-2", currentReplicas: 3, updatedReplicas: 3 });
    expect(planStatus(setOf({}, status), [member(0), member(1), member(2)], { current: two, update: two }, now)).toBeUndefined();
  });

  it("counts a pod as available only after minReadySeconds", () => {
    const young = member(0, { readySince: "2026-01-01T00:59:55Z" });
    const status = planStatus(setOf({ replicas: 1, minReadySeconds: 20 }), [young], { current: two, update: two }, now);
    expect(status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
  });
});
