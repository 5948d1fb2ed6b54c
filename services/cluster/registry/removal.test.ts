import { describe, expect, it } from "vitest";
import { type DeleteOptions, type KubeObject, type ObjectMeta, resources } from "../api.ts";
import { isRemovedByUpdate, planRemoval } from "./removal.ts";

const now = new Date("2026-01-01T00:00:00Z");
const deletedAt = "2026-01-01T00:00:00Z";

function object(kind: string, fields: object = {}, metadata: Partial<ObjectMeta> = {}): KubeObject {
  const base = { name: "a", namespace: "default", uid: "1", resourceVersion: "1", creationTimestamp: deletedAt };
  return { apiVersion: "v1", kind, metadata: { ...base, ...metadata }, ...fields };
}

const runningPod = (metadata: Partial<ObjectMeta> = {}, spec: object = {}) =>
  object("Pod", { spec: { nodeName: "node-1", terminationGracePeriodSeconds: 20, ...spec } }, metadata);

const ofPod = (pod: KubeObject, options: DeleteOptions = {}) => planRemoval(resources.pods, pod, options, now);

describe("the deletion of a pod on a node", () => {
  it.each<[string, DeleteOptions, number]>([
    ["takes the grace period of its spec", {}, 20],
    ["takes the one that is asked for", { gracePeriodSeconds: 5 }, 5],
    ["takes a second where less than none is asked for", { gracePeriodSeconds: -1 }, 1],
  ])("%s", (_, options, seconds) => {
    const deletionTimestamp = new Date(now.getTime() + seconds * 1000).toISOString().replace(".000", "");
    const metadata = { deletionTimestamp, deletionGracePeriodSeconds: seconds };
    expect(ofPod(runningPod(), options)).toMatchObject({ action: "mark", object: { metadata } });
  });

  it("is over at once without grace", () => {
    expect(ofPod(runningPod(), { gracePeriodSeconds: 0 })).toEqual({ action: "remove" });
  });

  it("may be hastened, never put off", () => {
    const going = runningPod({ deletionTimestamp: "2026-01-01T00:00:10Z", deletionGracePeriodSeconds: 10 });
    expect(ofPod(going, { gracePeriodSeconds: 60 })).toEqual({ action: "none" });
    const metadata = { deletionTimestamp: "2026-01-01T00:00:02Z", deletionGracePeriodSeconds: 2 };
    expect(ofPod(going, { gracePeriodSeconds: 2 })).toMatchObject({ action: "mark", object: { metadata } });
  });
});

describe("a pod without processes", () => {
  it.each([
    ["on no node", runningPod({}, { nodeName: undefined })],
    ["that has succeeded", { ...runningPod(), status: { phase: "Succeeded" } }],
    ["that has failed", { ...runningPod(), status: { phase: "Failed" } }],
  ])("%s goes at once", (_, pod) => {
    expect(ofPod(pod)).toEqual({ action: "remove" });
  });
});

describe("an object with finalizers", () => {
  it("is marked, keeps the policy as a finalizer, and goes with the last one", () => {
    const plan = planRemoval(resources.configMaps, object("ConfigMap"), { propagationPolicy: "Foreground" }, now);
    expect(plan).toMatchObject({ action: "mark", object: { metadata: { finalizers: ["foregroundDeletion"] } } });
    const marked = object("ConfigMap", {}, { deletionTimestamp: deletedAt, finalizers: ["foregroundDeletion"] });
    expect(isRemovedByUpdate(resources.configMaps, marked)).toBe(false);
    expect(isRemovedByUpdate(resources.configMaps, object("ConfigMap", {}, { deletionTimestamp: deletedAt }))).toBe(true);
  });

  it("counts its deletion as a new generation once", () => {
    const counted = object("Deployment", {}, { generation: 4, finalizers: ["a/b"] });
    const plan = planRemoval(resources.deployments, counted, {}, now);
    expect(plan).toMatchObject({ object: { metadata: { generation: 5, finalizers: ["a/b"] } } });
    const marked = { ...counted, metadata: { ...counted.metadata, deletionTimestamp: deletedAt } };
    expect(planRemoval(resources.deployments, marked, {}, now)).toEqual({ action: "none" });
  });
});

describe("a namespace", () => {
  const held = (metadata: Partial<ObjectMeta> = {}) => object("Namespace", { spec: { finalizers: ["kubernetes"] } }, metadata);

  it("stays, terminating, until its own finalizer is off", () => {
    const plan = planRemoval(resources.namespaces, held(), {}, now);
    expect(plan).toMatchObject({ action: "mark", object: { status: { phase: "Terminating" } } });
    expect(isRemovedByUpdate(resources.namespaces, held({ deletionTimestamp: deletedAt }))).toBe(false);
  });
});
