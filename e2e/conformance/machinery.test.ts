import {
  AppsV1Api,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  type V1Service,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { startTestCluster, type TestCluster } from "./harness.ts";
import { deploymentManifest } from "./manifests.ts";
import { rawRequest } from "./raw-request.ts";

let cluster: TestCluster;
let core: CoreV1Api;
let apps: AppsV1Api;
const namespace = "default";

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  apps = cluster.config.makeApiClient(AppsV1Api);
});

afterAll(() => cluster?.stop());

const raw = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  rawRequest(cluster, method, path, body, headers);
const maps = `/api/v1/namespaces/${namespace}/configmaps`;
const patchOf = (type: string) => ({ "content-type": `application/${type}-patch+json` });
const deployment = (name: string): V1Deployment =>
  parse(deploymentManifest({ name, replicas: 0 }).split("---")[0] ?? "") as V1Deployment;

function createMap(name: string, more: Partial<V1ConfigMap> = {}): Promise<V1ConfigMap> {
  return core.createNamespacedConfigMap({ namespace, body: { ...more, metadata: { name, ...more.metadata } } });
}

const exists = async (name: string) => (await raw("GET", `${maps}/${name}`)).code === 200;

describe("discovery by the client library and by hand", () => {
  it("tells of subresources, verbs, short names and categories in the legacy form", async () => {
    const { resources } = await apps.getAPIResources();
    const named = Object.fromEntries(resources.map((resource) => [resource.name, resource]));
    expect(named.deployments).toMatchObject({
      kind: "Deployment",
      namespaced: true,
      shortNames: ["deploy"],
      categories: ["all"],
    });
    expect(named["deployments/scale"]).toMatchObject({ kind: "Scale", group: "autoscaling", version: "v1" });
    expect(named["deployments/status"]?.verbs.toSorted()).toEqual(["get", "patch", "update"]);
    const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    expect(named.deployments?.verbs.toSorted()).toEqual(verbs);
  });

  it("tells all of it at once in the aggregated form, v2 before v2beta1", async () => {
    const type = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    for (const path of ["/api", "/apis"]) {
      const { body } = await raw("GET", path, undefined, { accept: `${type("v2")},${type("v2beta1")},application/json` });
      expect(body).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
    }
    const { body } = await raw("GET", "/apis", undefined, { accept: `${type("v2beta1")},application/json` });
    expect(body.apiVersion).toBe("apidiscovery.k8s.io/v2beta1");
    expect((await raw("GET", "/apis")).body.kind).toBe("APIGroupList");
  });
});

describe("patches by the client library", () => {
  it("by JSON patch add, remove, replace, move, copy and test", async () => {
    await createMap("patched", { data: { a: "1", b: "2" } });
    const body = [
      { op: "test", path: "/data/a", value: "1" },
      { op: "copy", from: "/data/a", path: "/data/c" },
      { op: "move", from: "/data/b", path: "/data/d" },
      { op: "add", path: "/metadata/labels", value: { x: "y" } },
      { op: "remove", path: "/data/a" },
    ];
    const patched = await core.patchNamespacedConfigMap({ namespace, name: "patched", body });
    expect(patched.data).toEqual({ c: "1", d: "2" });
    expect(patched.metadata?.labels).toEqual({ x: "y" });
  });

  it("by JSON patch change nothing when one operation fails", async () => {
    await createMap("whole", { data: { a: "1" } });
    const body = [
      { op: "replace", path: "/data/a", value: "2" },
      { op: "test", path: "/data/a", value: "3" },
    ];
    expect(await raw("PATCH", `${maps}/whole`, body, patchOf("json"))).toMatchObject({ code: 422, body: { reason: "Invalid" } });
    expect((await core.readNamespacedConfigMap({ namespace, name: "whole" })).data).toEqual({ a: "1" });
  });

  it("by merge patch remove what is null", async () => {
    await createMap("thinned", { data: { a: "1", b: "2" } });
    const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    const body = { data: { a: null, c: "3" } };
    const patched = await core.patchNamespacedConfigMap({ namespace, name: "thinned", body }, merge);
    expect(patched.data).toEqual({ b: "2", c: "3" });
  });

  it("are refused as a conflict when they name another resourceVersion, and pass when they name this one", async () => {
    const { metadata } = await createMap("pinned", { data: { a: "1" } });
    const patch = (resourceVersion?: string) =>
      raw("PATCH", `${maps}/pinned`, { metadata: { resourceVersion }, data: { a: "2" } }, patchOf("merge"));
    expect(await patch("1")).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    expect((await patch(metadata?.resourceVersion)).code).toBe(200);
    expect((await patch(metadata?.resourceVersion)).code).toBe(409);
  });

  it("may not rename, and are not applied to what is not there", async () => {
    await createMap("named");
    expect((await raw("PATCH", `${maps}/named`, { metadata: { name: "other" } }, patchOf("merge"))).code).toBe(400);
    expect((await raw("PATCH", `${maps}/nobody`, {}, patchOf("merge"))).code).toBe(404);
  });

  it("by strategic merge obey $setElementOrder, $deleteFromPrimitiveList, $patch and $retainKeys", async () => {
    const made = deployment("directed");
    const template = made.spec?.template;
    if (template?.spec) template.spec.containers.push({ name: "side", image: "demo/side:1" });
    await apps.createNamespacedDeployment({ namespace, body: made });
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/directed`;
    const patch = async (body: object): Promise<V1Deployment> =>
      (await raw("PATCH", path, body, patchOf("strategic-merge"))).body as unknown as V1Deployment;
    const containersOf = ({ spec }: V1Deployment) => spec?.template.spec?.containers.map(({ name }) => name);
    const inPod = (spec: object) => ({ spec: { template: { spec } } });

    const ordered = await patch(inPod({ "$setElementOrder/containers": [{ name: "side" }, { name: "main" }] }));
    expect(containersOf(ordered)).toEqual(["side", "main"]);
    const removed = await patch(inPod({ containers: [{ name: "side", $patch: "delete" }] }));
    expect(containersOf(removed)).toEqual(["main"]);
    const retained = await patch({ spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } });
    expect(retained.spec?.strategy).toEqual({ type: "Recreate" });
    const replaced = await patch({ metadata: { labels: { $patch: "replace", only: "this" } } });
    expect(replaced.metadata?.labels).toEqual({ only: "this" });
    await patch({ metadata: { finalizers: ["example.com/a", "example.com/b"] } });
    const freed = await patch({ metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } });
    expect(freed.metadata?.finalizers).toEqual(["example.com/b"]);
    const deleted = await patch({ metadata: { finalizers: [], "$deleteFromPrimitiveList/finalizers": ["example.com/b"] } });
    expect(deleted.metadata?.finalizers).toBeUndefined();
  });

  it("by strategic merge merge a Service's ports by their port", async () => {
    const ports = [
      { name: "a", port: 80 },
      { name: "b", port: 81 },
    ];
    await core.createNamespacedService({ namespace, body: { metadata: { name: "ported" }, spec: { ports } } });
    const path = `/api/v1/namespaces/${namespace}/services/ported`;
    const body = { spec: { ports: [{ port: 81, targetPort: 9000 }] } };
    const answer = (await raw("PATCH", path, body, patchOf("strategic-merge"))).body as unknown as V1Service;
    expect(answer.spec?.ports?.map(({ name, targetPort }) => [name, targetPort]).toSorted()).toEqual([
      ["a", 80],
      ["b", 9000],
    ]);
  });

  it("by strategic merge replace the selector of a PodDisruptionBudget", async () => {
    const policy = cluster.config.makeApiClient(PolicyV1Api);
    const spec = { minAvailable: 1, selector: { matchLabels: { app: "a" } } };
    await policy.createNamespacedPodDisruptionBudget({ namespace, body: { metadata: { name: "selective" }, spec } });
    const strategic = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
    const body = { spec: { selector: { matchLabels: { tier: "b" } } } };
    const answer = await policy.patchNamespacedPodDisruptionBudget({ namespace, name: "selective", body }, strategic);
    expect(answer.spec?.selector).toEqual({ matchLabels: { tier: "b" } });
  });

  it("of other types are refused with the list of those that are taken", async () => {
    await createMap("applied");
    const answer = await raw("PATCH", `${maps}/applied?fieldManager=me`, {}, { "content-type": "application/apply-patch+yaml" });
    expect(answer).toMatchObject({ code: 415, body: { reason: "UnsupportedMediaType" } });
    expect(answer.body.message).toContain("application/strategic-merge-patch+json");
  });
});

describe("dryRun=All", () => {
  it("leaves nothing of a create, an update, a patch and a delete, but answers as if", async () => {
    const { metadata } = await createMap("real", { data: { a: "1" } });
    const created = await raw("POST", `${maps}?dryRun=All`, { metadata: { generateName: "dry-" } });
    expect(created).toMatchObject({ code: 201, body: { metadata: { name: expect.stringMatching(/^dry-.{5}$/) } } });
    expect(await exists(created.body.metadata?.name ?? "")).toBe(false);
    const changed = { metadata: { name: "real" }, data: { a: "2" } };
    expect((await raw("PUT", `${maps}/real?dryRun=All`, changed)).body.data).toEqual({ a: "2" });
    expect((await raw("PATCH", `${maps}/real?dryRun=All`, { data: { a: "3" } }, patchOf("merge"))).body.data).toEqual({ a: "3" });
    expect((await raw("DELETE", `${maps}/real?dryRun=All`)).code).toBe(200);
    expect((await raw("DELETE", `${maps}?dryRun=All`)).code).toBe(200);
    const after = await core.readNamespacedConfigMap({ namespace, name: "real" });
    expect(after).toMatchObject({ data: { a: "1" }, metadata: { resourceVersion: metadata?.resourceVersion } });
  });

  it("gives the address back that it showed of a Service", async () => {
    const services = `/api/v1/namespaces/${namespace}/services`;
    const body = (spec: object) => ({ metadata: { name: "dry" }, spec: { ports: [{ port: 80 }], ...spec } });
    const clusterIP = ((await raw("POST", `${services}?dryRun=All`, body({}))).body as unknown as V1Service).spec?.clusterIP;
    expect(clusterIP).toMatch(/^127\./);
    expect((await raw("GET", `${services}/dry`)).code).toBe(404);
    expect(await raw("POST", services, body({ clusterIP }))).toMatchObject({ code: 201, body: { spec: { clusterIP } } });
  });

  it("still refuses what is invalid, what exists, and another value than All", async () => {
    await createMap("there");
    expect((await raw("POST", maps, { metadata: { name: "there" }, data: { "/": "" } })).code).toBe(422);
    expect((await raw("POST", `${maps}?dryRun=All`, { metadata: { name: "Bad" } })).code).toBe(422);
    expect((await raw("POST", `${maps}?dryRun=All`, { metadata: { name: "there" } })).code).toBe(409);
    expect((await raw("POST", `${maps}?dryRun=Some`, { metadata: { name: "new" } })).code).toBe(422);
  });
});

describe("fieldValidation", () => {
  const body = { metadata: { name: "fielded" }, surprise: 1, data: { a: "b" } };

  it("Strict refuses an unknown field and makes nothing", async () => {
    const { code, body: answer } = await raw("POST", `${maps}?fieldValidation=Strict`, body);
    expect(code).toBe(400);
    expect(answer.message).toContain('strict decoding error: unknown field "surprise"');
    expect(await exists("fielded")).toBe(false);
  });

  it("Warn drops it and says so in a warning, Ignore drops it silently", async () => {
    const warned = await raw("POST", `${maps}?fieldValidation=Warn&dryRun=All`, body);
    expect(warned).toMatchObject({ code: 201, warnings: [expect.stringMatching(/^299 - ".*unknown field .*surprise/)] });
    expect(warned.body).not.toHaveProperty("surprise");
    expect(await raw("POST", `${maps}?fieldValidation=Ignore&dryRun=All`, body)).toMatchObject({ code: 201, warnings: [] });
  });
});

describe("immutable objects", () => {
  it.each(["configmaps", "secrets"])("of %s keep their data and stay immutable, but take labels", async (resource) => {
    const path = `/api/v1/namespaces/${namespace}/${resource}`;
    const data = { a: "YQ==" };
    await raw("POST", path, { metadata: { name: "fixed" }, data, immutable: true });
    const patch = (change: object) => raw("PATCH", `${path}/fixed`, change, patchOf("merge"));
    for (const change of [{ data: { a: "Yg==" } }, { data: { b: "Yg==" } }, { immutable: false }, { immutable: null }]) {
      const { code, body } = await patch(change);
      expect(code).toBe(422);
      expect(body.message).toContain("field is immutable when `immutable` is set");
    }
    expect((await patch({ metadata: { labels: { x: "y" } } })).code).toBe(200);
    expect((await raw("DELETE", `${path}/fixed`)).code).toBe(200);
  });
});

describe("updates", () => {
  it("of a pod do not move it to a node", async () => {
    const spec = { containers: [{ name: "main", image: "demo/web:1.0.0" }], schedulerName: "nobody" };
    const pod = await core.createNamespacedPod({ namespace, body: { metadata: { name: "waiting" }, spec } });
    const path = `/api/v1/namespaces/${namespace}/pods/waiting`;
    const moved = { ...pod, spec: { ...pod.spec, nodeName: "node-1" } };
    const refusal = await raw("PUT", path, JSON.parse(JSON.stringify(moved)));
    expect(refusal).toMatchObject({ code: 422, body: { reason: "Invalid" } });
    expect(refusal.body.message).toContain("spec: Forbidden: pod updates may not change fields other than");
  });

  it("without a resourceVersion replace whatever is there; with an older one they conflict", async () => {
    const made = await createMap("versioned", { data: { a: "1" } });
    const next = await core.replaceNamespacedConfigMap({
      namespace,
      name: "versioned",
      body: { metadata: { name: "versioned" }, data: { a: "2" } },
    });
    expect(Number(next.metadata?.resourceVersion)).toBeGreaterThan(Number(made.metadata?.resourceVersion));
    expect(next.metadata?.uid).toBe(made.metadata?.uid);
    expect(await raw("PUT", `${maps}/versioned`, made)).toMatchObject({
      code: 409,
      body: { reason: "Conflict", message: expect.stringContaining("the object has been modified") },
    });
  });

  it("of an object that is not there, or of another uid, are refused", async () => {
    expect((await raw("PUT", `${maps}/absent`, { metadata: { name: "absent" } })).code).toBe(404);
    await createMap("identified");
    const other = { metadata: { name: "identified", uid: "00000000-0000-0000-0000-000000000000" } };
    expect(await raw("PUT", `${maps}/identified`, other)).toMatchObject({ code: 409, body: { reason: "Conflict" } });
  });
});
