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
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { configMapManifest, deploymentManifest } from "./manifests.ts";
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
    await raw("PATCH", `${maps}/sweep-b`, { metadata: { finalizers: null } }, patchOf("merge"));
    expect(await exists("sweep-b")).toBe(false);
  });

  async function family(name: string, blockOwnerDeletion?: boolean): Promise<void> {
    const { metadata } = await createMap(name);
    const owner = { apiVersion: "v1", kind: "ConfigMap", name, uid: metadata?.uid ?? "", blockOwnerDeletion };
    await createMap(`${name}-child`, { metadata: { ownerReferences: [owner], finalizers: ["example.com/hold"] } });
  }

  const release = (name: string) => raw("PATCH", `${maps}/${name}`, { metadata: { finalizers: null } }, patchOf("merge"));

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

describe.each(findKubectls())("machinery through kubectl $version", (kubectl: Kubectl) => {
  const own = `machinery-${kubectl.minor}`;
  let k: KubectlSession;

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, own);
    await k.run(["create", "namespace", own]);
  });

  it("apply removes fields that left the manifest and keeps what others set", async () => {
    const manifest = (data: object, labels: object) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "three-way", labels }, data });
    await k.run(["apply", "-f", "-"], manifest({ a: "1", b: "2" }, { x: "1", y: "2" }));
    await k.run(["patch", "cm", "three-way", "--type=merge", "-p", '{"data":{"c":"3"}}']);
    await k.run(["apply", "-f", "-"], manifest({ a: "9" }, { y: "2" }));
    const after = await k.json<V1ConfigMap>(["get", "cm", "three-way"]);
    expect(after.data).toEqual({ a: "9", c: "3" });
    expect(after.metadata?.labels).toEqual({ y: "2" });
    expect(after.metadata?.annotations).toHaveProperty(["kubectl.kubernetes.io/last-applied-configuration"]);
  });

  it("apply --prune deletes what left the set", async () => {
    const item = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { set: "pruned" } } });
    const list = (...names: string[]) => JSON.stringify({ apiVersion: "v1", kind: "List", items: names.map(item) });
    const prune = ["apply", "-f", "-", "--prune", "-l", "set=pruned"];
    const only = kubectl.minor < 26 ? "--prune-whitelist=core/v1/ConfigMap" : "--prune-allowlist=core/v1/ConfigMap";
    await k.run([...prune, only], list("stays", "goes"));
    expect(await k.run([...prune, only], list("stays"))).toContain("configmap/goes pruned");
    expect(await k.run(["get", "cm", "-l", "set=pruned", "-o", "name"])).toBe("configmap/stays\n");
  });

  it("apply --server-side is refused with the reason, and makes nothing", async () => {
    const refusal = await k.refusal(["apply", "--server-side", "-f", "-"], configMapManifest("ssa", {}));
    expect(refusal).toMatch(/Server-side apply not available|the body of the request was in an unknown format/);
    expect(await k.refusal(["get", "cm", "ssa"])).toContain("NotFound");
  });

  it("prints custom columns, jsonpath, go templates, names and sorted lists", async () => {
    for (const [name, order] of [
      ["one", "2"],
      ["two", "1"],
    ] as const) {
      await k.run(["create", "cm", name, `--from-literal=order=${order}`]);
      await k.run(["label", "cm", name, "print=yes"]);
    }
    const get = (...args: string[]) => k.run(["get", "cm", "-l", "print=yes", ...args]);
    expect(await get("-o", "custom-columns=NAME:.metadata.name,ORDER:.data.order")).toMatch(/^NAME\s+ORDER\none\s+2\ntwo\s+1\n$/);
    expect(await get("-o", "jsonpath={.items[*].data.order}")).toBe("2 1");
    expect(await get("-o", "go-template={{range .items}}{{.metadata.name}},{{end}}")).toBe("one,two,");
    expect(await get("--sort-by=.data.order", "-o", "name")).toBe("configmap/two\nconfigmap/one\n");
    expect(await get("--show-labels", "--no-headers")).toMatch(/^one\s+1\s+\S+\s+print=yes$/m);
    expect(await get("-L", "print")).toMatch(/^NAME\s+DATA\s+AGE\s+PRINT$/m);
  });

  it("prints more columns with -o wide, and the namespace with -A", async () => {
    await k.run(["apply", "-f", "-"], deploymentManifest({ name: "wide", replicas: 0 }));
    expect(await k.run(["get", "deploy", "-o", "wide"])).toMatch(
      /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR$/m,
    );
    expect(await k.run(["get", "svc", "-o", "wide"])).toMatch(/SELECTOR\n.*app=wide$/m);
    expect(await k.run(["get", "deploy", "-A"])).toMatch(new RegExp(`^NAMESPACE\\s+NAME[^]*^${own}\\s+wide\\s`, "m"));
  });

  it("deletes in the foreground and by selector", async () => {
    await k.run(["create", "cm", "selected-1"]);
    await k.run(["create", "cm", "selected-2"]);
    await k.run(["label", "cm", "selected-1", "selected-2", "sweep=yes"]);
    expect(await k.run(["delete", "cm", "-l", "sweep=yes"])).toBe(
      'configmap "selected-1" deleted\nconfigmap "selected-2" deleted\n',
    );
    const foreground = kubectl.minor < 20 ? [] : ["--cascade=foreground"];
    await k.run(["apply", "-f", "-"], deploymentManifest({ name: "fore", replicas: 0 }));
    await k.run(["delete", "deploy", "fore", ...foreground]);
    expect(await k.run(["get", "rs", "-l", "app=fore", "-o", "name"])).toBe("");
  });

  it("creates under generated names", async () => {
    const manifest = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "made-" } });
    expect(await k.run(["create", "-f", "-"], manifest)).toMatch(/^configmap\/made-[a-z0-9]{5} created\n$/);
  });

  it("refuses a change of an immutable ConfigMap", async () => {
    const manifest = (data: object) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "frozen" }, immutable: true, data });
    await k.run(["apply", "-f", "-"], manifest({ a: "1" }));
    expect(await k.refusal(["apply", "-f", "-"], manifest({ a: "2" }))).toContain("field is immutable when `immutable` is set");
  });

  it("warns that a NetworkPolicy is not enforced, and refuses a wrong one", async () => {
    const policy = (ingress: object[]) =>
      JSON.stringify({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "walls" },
        spec: { podSelector: {}, ingress },
      });
    const warning = "Warning: a NetworkPolicy is stored, but the local cluster does not enforce it";
    expect((await k.try(["create", "-f", "-"], policy([]))).stderr).toContain(warning);
    expect((await k.try(["label", "netpol", "walls", "x=y"])).stderr).toContain(warning);
    expect((await k.try(["get", "netpol", "walls"])).stderr).not.toContain("Warning");
    expect(await k.refusal(["create", "-f", "-"], policy([{ from: [{}] }]))).toContain(
      "spec.ingress[0].from[0]: Required value: must specify a peer",
    );
  });

  it("names what of a pod the cluster does not do", async () => {
    const manifest = (spec: object) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "odd" },
        spec: { containers: [{ name: "main", image: "demo/web:1.0.0" }], ...spec },
      });
    expect(await k.refusal(["create", "-f", "-"], manifest({ runtimeClassName: "gvisor" }))).toContain(
      "spec.runtimeClassName: Forbidden: is not supported by the local cluster",
    );
  });

  if (kubectl.minor >= 25) {
    it("asks for strict, lenient or no validation of fields with --validate", async () => {
      const manifest = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "checked" }, surprise: 1 });
      const make = (mode: string) => k.try(["create", "-f", "-", `--validate=${mode}`, "--dry-run=server"], manifest);
      expect((await make("strict")).stderr).toContain('unknown field "surprise"');
      expect(await make("warn")).toMatchObject({ code: 0, stderr: expect.stringContaining('unknown field "surprise"') });
      expect(await make("ignore")).toMatchObject({ code: 0, stderr: "" });
    });
  }
});
