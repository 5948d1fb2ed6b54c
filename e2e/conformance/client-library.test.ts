import { request } from "node:https";
import {
  type ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { deploymentManifest } from "./manifests.ts";

const namespace = "default";
let cluster: TestCluster;
let core: CoreV1Api;
let apps: AppsV1Api;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  apps = cluster.config.makeApiClient(AppsV1Api);
});

afterAll(() => cluster?.stop());

function createMap(name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): Promise<V1ConfigMap> {
  return core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data } });
}

async function refusalOf(
  promise: Promise<unknown>,
): Promise<{ code: number; reason: string; message: string; details?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return JSON.parse((error as ApiException<string>).body);
  }
  throw new Error("the call succeeded");
}

/** A bare GET with a token of choice: the status code and the body. */
function get(path: string, token?: string, accept = "application/json"): Promise<{ code: number; body: string }> {
  const ca = Buffer.from(cluster.config.getCurrentCluster()?.caData ?? "", "base64");
  const headers = { accept, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return new Promise((resolve, reject) => {
    const call = request(`${cluster.address}${path}`, { ca, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body }));
    });
    call.on("error", reject);
    call.end();
  });
}

const adminToken = () => cluster.config.getCurrentUser()?.token ?? "";

type Seen = { type: string; object: V1ConfigMap & { message?: string; code?: number } };

async function watchMaps(
  query: Record<string, string | number | boolean>,
): Promise<{ seen: Seen[]; done: Promise<unknown>; stop(): void }> {
  const seen: Seen[] = [];
  let finish: (error: unknown) => void = () => {};
  const done = new Promise<unknown>((resolve) => {
    finish = resolve;
  });
  const watch = new Watch(cluster.config);
  const controller = await watch.watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    query,
    (type, object) => seen.push({ type, object }),
    (error) => finish(error),
  );
  return { seen, done, stop: () => controller.abort() };
}

describe("who may call", () => {
  it("answers health and version to anyone", async () => {
    for (const path of ["/healthz", "/livez", "/readyz"]) expect(await get(path)).toEqual({ code: 200, body: "ok" });
    expect((await cluster.config.makeApiClient(VersionApi).getCode()).minor).toBe("32");
  });

  it.each([undefined, "wrong"])("refuses the token %s everywhere else", async (token) => {
    for (const path of ["/api", "/apis", "/openapi/v2", "/api/v1/pods", "/nowhere"]) {
      const { code, body } = await get(path, token);
      expect(code).toBe(401);
      expect(JSON.parse(body)).toMatchObject({
        kind: "Status",
        status: "Failure",
        reason: "Unauthorized",
        message: "Unauthorized",
        code: 401,
      });
    }
  });

  it("gives every component a kubeconfig of its own that works", async () => {
    for (const file of ["kubelet-node-1", "kubelet-node-2", "kubelet-node-3", "proxy"]) {
      const config = new KubeConfig();
      config.loadFromFile(`${cluster.dataDir}/${file}.kubeconfig`);
      expect((await config.makeApiClient(CoreV1Api).listNode()).items).toEqual([]);
    }
  });
});

describe("discovery", () => {
  it("is the same told piece by piece and all at once", async () => {
    const legacy = JSON.parse((await get("/apis/apps/v1", adminToken())).body) as { resources: { name: string }[] };
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const aggregated = JSON.parse((await get("/apis", adminToken(), accept)).body) as {
      kind: string;
      items: { metadata: { name: string }; versions: { resources: { resource: string }[] }[] }[];
    };
    expect(aggregated.kind).toBe("APIGroupDiscoveryList");
    const apps = aggregated.items.find(({ metadata }) => metadata.name === "apps");
    const names = apps?.versions[0]?.resources.map(({ resource }) => resource);
    expect(names).toEqual(legacy.resources.map(({ name }) => name).filter((name) => !name.includes("/")));
  });

  it.each(["/apis/node.k8s.io/v1", "/apis/apps/v1beta1/deployments", "/api/v2", "/api/v1/unicorns"])(
    "does not serve %s",
    async (path) => {
      const { code, body } = await get(path, adminToken());
      expect(code).toBe(404);
      expect(JSON.parse(body)).toMatchObject({ reason: "NotFound", message: "the server could not find the requested resource" });
    },
  );
});

describe("writes", () => {
  it("makes a name from generateName", async () => {
    const { metadata } = await core.createNamespacedConfigMap({ namespace, body: { metadata: { generateName: "made-" } } });
    expect(metadata?.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("raises the generation with the spec only", async () => {
    const body = parse(deploymentManifest({ name: "counted", replicas: 0 }).split("---")[0] ?? "");
    const made = await apps.createNamespacedDeployment({ namespace, body });
    expect(made.metadata?.generation).toBe(1);
    const labelled = { ...made, metadata: { ...made.metadata, resourceVersion: undefined, labels: { x: "y" } } };
    const same = await apps.replaceNamespacedDeployment({ name: "counted", namespace, body: labelled });
    expect(same.metadata?.generation).toBe(1);
    const scaled = { ...same, metadata: { ...same.metadata, resourceVersion: undefined }, spec: { ...made.spec, paused: true } };
    const changed = await apps.replaceNamespacedDeployment({ name: "counted", namespace, body: scaled as typeof made });
    expect(changed.metadata?.generation).toBe(2);
  });

  it("keeps the resourceVersion when nothing changes", async () => {
    const made = await createMap("still", { a: "1" });
    const again = await core.replaceNamespacedConfigMap({ name: "still", namespace, body: made });
    expect(again.metadata?.resourceVersion).toBe(made.metadata?.resourceVersion);
  });

  it("ignores the status in an update, and the spec in an update of the status", async () => {
    const body = parse(deploymentManifest({ name: "halves", replicas: 0 }).split("---")[0] ?? "");
    const made = await apps.createNamespacedDeployment({ namespace, body });
    const bare = { ...made.metadata, resourceVersion: undefined };
    const sly = { ...made, metadata: bare, status: { replicas: 77 } };
    expect((await apps.replaceNamespacedDeployment({ name: "halves", namespace, body: sly })).status?.replicas).not.toBe(77);
    const spec = { ...made.spec, replicas: 9 } as typeof made.spec;
    const answer = await apps.replaceNamespacedDeploymentStatus({
      name: "halves",
      namespace,
      body: { ...made, metadata: bare, spec },
    });
    expect(answer.spec?.replicas).toBe(0);
  });

  it("names every cause of an invalid object", async () => {
    const refusal = await refusalOf(
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "Bad_Name", labels: { "": "v" } } } }),
    );
    expect(refusal).toMatchObject({ code: 422, reason: "Invalid" });
    const { causes } = refusal.details as { causes: { field: string; reason: string }[] };
    expect(causes.map(({ field }) => field)).toEqual(["metadata.name", "metadata.labels"]);
  });

  it("holds an object with a finalizer until the finalizer is gone", async () => {
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "held", finalizers: ["example.com/wait"] } } });
    await core.deleteNamespacedConfigMap({ name: "held", namespace });
    const held = await core.readNamespacedConfigMap({ name: "held", namespace });
    expect(held.metadata?.deletionTimestamp).toBeDefined();
    await core.replaceNamespacedConfigMap({
      name: "held",
      namespace,
      body: { ...held, metadata: { ...held.metadata, finalizers: [] } },
    });
    expect((await refusalOf(core.readNamespacedConfigMap({ name: "held", namespace }))).code).toBe(404);
  });

  it("refuses a deletion whose precondition does not hold", async () => {
    await createMap("guarded");
    const body = { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } };
    expect(await refusalOf(core.deleteNamespacedConfigMap({ name: "guarded", namespace, body }))).toMatchObject({
      code: 409,
      reason: "Conflict",
    });
  });

  it("refuses unknown fields on request and drops them otherwise", async () => {
    const body = { metadata: { name: "extra" }, surprise: 1 } as V1ConfigMap;
    const raw = async (query: string) => {
      const answer = await fetchJson("POST", `/api/v1/namespaces/${namespace}/configmaps${query}`, body);
      return answer;
    };
    expect((await raw("?fieldValidation=Strict")).body).toMatchObject({
      reason: "BadRequest",
      message: expect.stringContaining('unknown field "surprise"'),
    });
    expect((await raw("")).body).not.toHaveProperty("surprise");
  });

  it("lets exactly one of many racing updates of the same version through", async () => {
    const made = await createMap("raced");
    const attempts = Array.from({ length: 10 }, (_, index) =>
      core.replaceNamespacedConfigMap({ name: "raced", namespace, body: { ...made, data: { winner: String(index) } } }).then(
        () => "won",
        (error: ApiException<string>) => JSON.parse(error.body).reason as string,
      ),
    );
    const outcomes = await Promise.all(attempts);
    expect(outcomes.filter((outcome) => outcome === "won")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "Conflict")).toHaveLength(9);
  });
});

describe("lists", () => {
  beforeAll(async () => {
    for (const name of ["page-a", "page-b", "page-c"]) await createMap(name, {}, { set: "pages" });
  });

  it("come in pages", async () => {
    const names: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await core.listNamespacedConfigMap({ namespace, labelSelector: "set=pages", limit: 2, _continue: token });
      names.push(...page.items.map(({ metadata }) => metadata?.name));
      token = page.metadata?._continue;
    } while (token);
    expect(names).toEqual(["page-a", "page-b", "page-c"]);
  });

  it("refuse a selector that cannot be read, and a field that is not offered", async () => {
    expect(await refusalOf(core.listNamespacedConfigMap({ namespace, labelSelector: "a in (b" }))).toMatchObject({ code: 400 });
    expect(await refusalOf(core.listNamespacedConfigMap({ namespace, fieldSelector: "data.x=1" }))).toMatchObject({
      code: 400,
      message: "field label not supported: data.x",
    });
  });
});

describe("watches", () => {
  it("start with what exists when no version is named", async () => {
    await createMap("there-already", {}, { watch: "start" });
    const watch = await watchMaps({ labelSelector: "watch=start" });
    await eventually(
      async () => watch.seen.some(({ object }) => object.metadata?.name === "there-already"),
      "the existing object",
    );
    expect(watch.seen[0]?.type).toBe("ADDED");
    watch.stop();
  });

  it("follow a version without a gap, and show objects that leave the selection as deleted", async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    await createMap("comes-goes", {}, { watch: "leave" });
    const watch = await watchMaps({ labelSelector: "watch=leave", resourceVersion: metadata?.resourceVersion ?? "" });
    const stored = await core.readNamespacedConfigMap({ name: "comes-goes", namespace });
    const moved = { ...stored, metadata: { ...stored.metadata, labels: { watch: "elsewhere" } } };
    const after = await core.replaceNamespacedConfigMap({ name: "comes-goes", namespace, body: moved });
    await eventually(async () => watch.seen.length >= 2, "two events");
    expect(watch.seen.map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
    expect(watch.seen[1]?.object.metadata?.labels).toEqual({ watch: "leave" });
    expect(watch.seen[1]?.object.metadata?.resourceVersion).toBe(after.metadata?.resourceVersion);
    watch.stop();
  });

  it("end when their time is up, with a bookmark where asked", async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const watch = await watchMaps({
      timeoutSeconds: 1,
      allowWatchBookmarks: true,
      resourceVersion: metadata?.resourceVersion ?? "",
    });
    await watch.done;
    expect(watch.seen.at(-1)?.type).toBe("BOOKMARK");
    expect(Number(watch.seen.at(-1)?.object.metadata?.resourceVersion)).toBeGreaterThanOrEqual(Number(metadata?.resourceVersion));
  });

  it.each(["1", "999999999"])("answer 410 Gone to the version %s, which is not known", async (resourceVersion) => {
    const watch = await watchMaps({ resourceVersion });
    await watch.done;
    expect(watch.seen).toHaveLength(1);
    expect(watch.seen[0]).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  });
});

describe("a restart", () => {
  it("keeps every acknowledged write after kill -9, and informers find their way back", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `kept-${String(index).padStart(2, "0")}`);
    await Promise.all(names.map((name) => createMap(name, { at: "first" }, { set: "kept" })));
    const informer = makeInformer(
      cluster.config,
      `/api/v1/namespaces/${namespace}/configmaps`,
      () => core.listNamespacedConfigMap({ namespace, labelSelector: "set=kept" }),
      "set=kept",
    );
    informer.on("error", () => void setTimeout(() => void informer.start().catch(() => {}), 200));
    await informer.start();
    await eventually(async () => informer.list().length === 50, "the informer knows all");

    const written: string[] = [];
    const writes = Promise.allSettled(
      names.map(async (name) => {
        await core.patchNamespacedConfigMap({ name, namespace, body: [{ op: "replace", path: "/data/at", value: "second" }] });
        written.push(name);
      }),
    );
    await eventually(async () => written.length > 5, "some writes are acknowledged");
    await cluster.restart("SIGKILL");
    await writes;

    const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: "set=kept" });
    expect(items).toHaveLength(50);
    for (const { metadata, data } of items) {
      if (written.includes(metadata?.name ?? "")) expect(data).toEqual({ at: "second" });
    }
    await createMap("kept-late", {}, { set: "kept" });
    await eventually(
      async () => informer.list().some(({ metadata }) => metadata?.name === "kept-late"),
      "the informer sees what came after",
    );
    await informer.stop();
  });

  it("never gives a version out twice", async () => {
    const before = Number((await createMap("before-crash")).metadata?.resourceVersion);
    await cluster.restart("SIGKILL");
    const after = Number((await createMap("after-crash")).metadata?.resourceVersion);
    expect(after).toBeGreaterThan(before);
    const watch = await watchMaps({ resourceVersion: String(before) });
    await watch.done;
    expect(watch.seen[0]).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });
});

function fetchJson(
  method: string,
  path: string,
  value: unknown,
  contentType = "application/json",
): Promise<{ code: number; body: object }> {
  const ca = Buffer.from(cluster.config.getCurrentCluster()?.caData ?? "", "base64");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const headers = {
    authorization: `Bearer ${adminToken()}`,
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const call = request(`${cluster.address}${path}`, { method, ca, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body: JSON.parse(body) }));
    });
    call.on("error", reject);
    call.end(text);
  });
}

describe("bodies", () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;

  it("may be YAML", async () => {
    const { code, body } = await fetchJson("POST", path, "metadata:\n  name: from-yaml\ndata: { a: b }\n", "application/yaml");
    expect(code).toBe(201);
    expect(body).toMatchObject({ kind: "ConfigMap", data: { a: "b" } });
  });

  it.each([
    ["application/xml", "<x/>", 415, "UnsupportedMediaType"],
    ["application/json", "{", 400, "BadRequest"],
    ["application/json", "[]", 400, "BadRequest"],
    ["application/json", '{"metadata":"x"}', 400, "BadRequest"],
    ["application/json", '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}', 400, "BadRequest"],
    ["application/vnd.kubernetes.protobuf", "nonsense", 400, "BadRequest"],
  ])("of type %s saying %s get %i", async (type, text, code, reason) => {
    expect(await fetchJson("POST", path, text, type)).toMatchObject({ code, body: { kind: "Status", reason } });
  });

  it("of more than 3 MiB are refused", async () => {
    const value = { metadata: { name: "large" }, data: { a: "x".repeat(3 * 1024 * 1024) } };
    expect(await fetchJson("POST", path, value)).toMatchObject({ code: 413, body: { reason: "RequestEntityTooLarge" } });
  });
});
