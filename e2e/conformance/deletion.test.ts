import { CoreV1Api, type V1ConfigMap } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { rawRequest } from "./raw-request.ts";

let cluster: TestCluster;
let core: CoreV1Api;
const namespace = "default";

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
});

afterAll(() => cluster?.stop());

const raw = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  rawRequest(cluster, method, path, body, headers);
const maps = `/api/v1/namespaces/${namespace}/configmaps`;
const mergePatch = { "content-type": "application/merge-patch+json" };

function createMap(name: string, more: Partial<V1ConfigMap> = {}): Promise<V1ConfigMap> {
  return core.createNamespacedConfigMap({ namespace, body: { ...more, metadata: { name, ...more.metadata } } });
}

const exists = async (name: string) => (await raw("GET", `${maps}/${name}`)).code === 200;

describe("deletion by the client library", () => {
  it("holds for the preconditions of uid and resourceVersion", async () => {
    const { metadata } = await createMap("conditional");
    const remove = (preconditions: object) => raw("DELETE", `${maps}/conditional`, { preconditions });
    const wrong = await remove({ resourceVersion: "1" });
    expect(wrong).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    expect(wrong.body.message).toContain("ResourceVersion in precondition: 1, ResourceVersion in object meta");
    expect((await remove({ uid: metadata?.uid, resourceVersion: metadata?.resourceVersion })).code).toBe(200);
  });

  it("of a collection keeps to label and field selectors, and leaves what is held marked", async () => {
    const labels = { gone: "soon" };
    await createMap("sweep-a", { metadata: { labels } });
    await createMap("sweep-b", { metadata: { labels, finalizers: ["example.com/hold"] } });
    await createMap("sweep-c");
    await core.deleteCollectionNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=sweep-c" });
    expect([await exists("sweep-a"), await exists("sweep-b"), await exists("sweep-c")]).toEqual([true, true, false]);
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "gone=soon" });
    expect(await exists("sweep-a")).toBe(false);
    const held = await core.readNamespacedConfigMap({ namespace, name: "sweep-b" });
    expect(held.metadata?.deletionTimestamp).toBeDefined();
    await raw("PATCH", `${maps}/sweep-b`, { metadata: { finalizers: null } }, mergePatch);
    expect(await exists("sweep-b")).toBe(false);
  });

  async function family(name: string, blockOwnerDeletion?: boolean): Promise<void> {
    const { metadata } = await createMap(name);
    const owner = { apiVersion: "v1", kind: "ConfigMap", name, uid: metadata?.uid ?? "", blockOwnerDeletion };
    await createMap(`${name}-child`, { metadata: { ownerReferences: [owner], finalizers: ["example.com/hold"] } });
  }

  const release = (name: string) => raw("PATCH", `${maps}/${name}`, { metadata: { finalizers: null } }, mergePatch);

  it("in the background removes the owner at once and its dependents after it", async () => {
    await family("back");
    await raw("DELETE", `${maps}/back?propagationPolicy=Background`);
    expect(await exists("back")).toBe(false);
    await eventually(async () => {
      const child = await core.readNamespacedConfigMap({ namespace, name: "back-child" });
      return child.metadata?.deletionTimestamp;
    }, "the dependent is being deleted");
    await release("back-child");
    expect(await exists("back-child")).toBe(false);
  });

  it("in the foreground keeps the owner, marked, until its dependents are gone", async () => {
    await family("fore", true);
    await raw("DELETE", `${maps}/fore`, { propagationPolicy: "Foreground" });
    await eventually(async () => {
      const child = await core.readNamespacedConfigMap({ namespace, name: "fore-child" });
      return child.metadata?.deletionTimestamp;
    }, "the dependent is being deleted");
    const owner = await core.readNamespacedConfigMap({ namespace, name: "fore" });
    expect(owner.metadata).toMatchObject({ finalizers: ["foregroundDeletion"], deletionTimestamp: expect.anything() });
    await release("fore-child");
    await eventually(async () => !(await exists("fore")), "the owner is gone");
  });

  it("with Orphan takes the owner out of its dependents, which stay", async () => {
    await family("orphaning");
    await raw("DELETE", `${maps}/orphaning`, { propagationPolicy: "Orphan" });
    await eventually(async () => !(await exists("orphaning")), "the owner is gone");
    const child = await core.readNamespacedConfigMap({ namespace, name: "orphaning-child" });
    expect(child.metadata?.ownerReferences).toBeUndefined();
    expect(child.metadata?.deletionTimestamp).toBeUndefined();
    await raw("DELETE", `${maps}/orphaning-child`);
    await release("orphaning-child");
  });

  it("with a policy that there is none of is refused", async () => {
    await createMap("policed");
    expect((await raw("DELETE", `${maps}/policed`, { propagationPolicy: "Never" })).code).toBe(422);
    expect(await exists("policed")).toBe(true);
  });

  it("takes dependents whose owner was never there", async () => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "myth", uid: "00000000-0000-0000-0000-000000000000" };
    await createMap("foundling", { metadata: { ownerReferences: [owner] } });
    await eventually(async () => !(await exists("foundling")), "the dependent is collected");
  });
});
