import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { ApiException, CoreV1Api, CustomObjectsApi, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { keptConnection } from "./echo-server.ts";
import { end, eventually, startProxy, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

const definitions = readFileSync(fileURLToPath(new URL("../../deploy/demo/05-routes.yaml", import.meta.url)), "utf8");
const port = 18_440;

let cluster: TestCluster;
let proxy: ChildProcess;
let core: CoreV1Api;
let custom: CustomObjectsApi;
const servers: Server[] = [];
const backendPorts: Record<string, number> = {};

/** Answers with its name, and greets with it over a WebSocket. */
async function startBackend(name: string): Promise<void> {
  const server = createServer((request, response) => {
    response.setHeader("x-backend", name);
    response.end(JSON.stringify({ pod: name, version: "", port, from: request.socket.remoteAddress }));
  });
  new WebSocketServer({ server }).on("connection", (socket) => socket.send(name));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  backendPorts[name] = typeof address === "object" && address ? address.port : 0;
  servers.push(server);
}

beforeAll(async () => {
  cluster = await startTestCluster();
  proxy = startProxy(cluster);
  core = cluster.config.makeApiClient(CoreV1Api);
  custom = cluster.config.makeApiClient(CustomObjectsApi);
  await Promise.all(["root", "stable", "canary"].map(startBackend));
});

afterAll(async () => {
  await end(proxy, "SIGTERM");
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await cluster?.stop();
});

/** Services without selectors and their Endpoints; "empty" has none. */
async function createServices(namespace: string): Promise<string> {
  for (const name of ["root", "stable", "canary", "empty"]) {
    const spec = { ports: [{ name: "http", port }] };
    await core.createNamespacedService({ namespace, body: { metadata: { name }, spec } });
    if (name === "empty") continue;
    const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: backendPorts[name] ?? 0 }] }];
    await core.createNamespacedEndpoints({ namespace, body: { metadata: { name }, subsets } });
  }
  const { spec } = await core.readNamespacedService({ name: "root", namespace });
  const host = spec?.clusterIP ?? "";
  await eventually(async () => (await request(host)) === "root", "the Service without a route");
  return host;
}

/** The backend that answered, or the status; "refused" without a connection. */
async function request(host: string, headers: Record<string, string> = {}): Promise<string | number> {
  const answer = await fetch(`http://${host}:${port}/`, { headers: { connection: "close", ...headers } }).catch(() => undefined);
  if (!answer) return "refused";
  const text = await answer.text();
  return answer.status === 200 ? (JSON.parse(text) as { pod: string }).pod : answer.status;
}

async function shares(host: string, count: number, one: (host: string) => Promise<string | number> = request) {
  const found: Record<string, number> = {};
  for (let at = 0; at < count; at++) {
    const name = await one(host);
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

async function greet(host: string): Promise<string> {
  const socket = new WebSocket(`ws://${host}:${port}/`);
  const [data] = await once(socket, "message");
  socket.terminate();
  return String(data);
}

const untilAll = (host: string, expected: string | number, headers: Record<string, string> = {}) =>
  eventually(async () => {
    for (let at = 0; at < 5; at++) if ((await request(host, headers)) !== expected) return false;
    return true;
  }, `everything goes to ${expected}`);

const destination = (host: string, weight: number) => ({ destination: { host }, weight });
const virtualService = (route: object[], match?: object[]) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "root" },
  spec: { hosts: ["root"], http: [...(match ? [{ match, route: [destination("canary", 100)] }] : []), { route }] },
});

const parent = { group: "", kind: "Service", name: "root" };
const httpRoute = (backendRefs: object[], more: object[] = [], parentRef: object = parent) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "root" },
  spec: { parentRefs: [parentRef], rules: [...more, { backendRefs }] },
});
const backendRef = (name: string, weight: number) => ({ name, port, weight });

describe.each(findKubectls())("kubectl $version with routes", (kubectl: Kubectl) => {
  const namespace = `routes-${kubectl.minor}`;
  let k: KubectlSession;
  let host: string;
  const apply = (object: object) => k.run(["apply", "-f", "-"], JSON.stringify(object));
  const refusal = (object: object) => k.refusal(["apply", "--validate=false", "-f", "-"], JSON.stringify(object));

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["apply", "-f", "-"], definitions);
    await k.run(["wait", "--for=condition=Established", "crd/virtualservices.networking.istio.io", "--timeout=20s"]);
    await k.run(["create", "namespace", namespace]);
    host = await createServices(namespace);
  });

  it("moves all requests with a VirtualService's weights, at once, and back when it is deleted", async () => {
    await apply(virtualService([destination("stable", 100), destination("canary", 0)]));
    await untilAll(host, "stable");
    await apply(virtualService([destination("stable", 0), destination("canary", 100)]));
    await untilAll(host, "canary");
    await k.run(["delete", "virtualservice", "root"]);
    await untilAll(host, "root");
  });

  it("divides requests by weight, within four standard deviations", async () => {
    await apply(virtualService([destination("stable", 75), destination("canary", 25)]));
    await eventually(async () => (await request(host)) !== "root", "the route");
    const found = await shares(host, 400);
    expect(Math.abs((found.canary ?? 0) - 100)).toBeLessThan(4 * Math.sqrt(400 * 0.25 * 0.75));
    expect((found.canary ?? 0) + (found.stable ?? 0)).toBe(400);
  });

  it("divides WebSocket connections, and leaves those that are open alone", async () => {
    await apply(virtualService([destination("stable", 50), destination("canary", 50)]));
    await eventually(async () => (await greet(host)) === "canary", "a connection to the canary");
    const found = await shares(host, 100, greet);
    expect(Math.abs((found.canary ?? 0) - 50)).toBeLessThan(4 * Math.sqrt(100 * 0.25));
    const socket = new WebSocket(`ws://${host}:${port}/`);
    await once(socket, "message");
    await apply(virtualService([destination("stable", 100), destination("canary", 0)]));
    await untilAll(host, "stable");
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });

  it("sends requests of one kept connection to different backends", async () => {
    await apply(virtualService([destination("stable", 50), destination("canary", 50)]));
    const kept = keptConnection(host, port);
    const names = new Set<string>();
    await eventually(async () => names.add((await kept.ask()).pod).size === 2, "both backends");
    kept.close();
  });

  it("sends requests with a header to the rule that matches it", async () => {
    await apply(virtualService([destination("stable", 100)], [{ headers: { "x-tier": { exact: "beta" } } }]));
    await untilAll(host, "canary", { "X-Tier": "beta" });
    expect(await request(host, { "X-Tier": "gamma" })).toBe("stable");
    expect(await request(host)).toBe("stable");
  });

  it("answers 503 where the destination has no endpoints, instead of refusing the connection", async () => {
    await apply(virtualService([destination("empty", 100)]));
    await untilAll(host, 503);
  });

  it("refuses fields that are not honoured, by their path", async () => {
    const regex = virtualService([destination("stable", 100)], [{ headers: { "x-tier": { regex: "b.*" } } }]);
    expect(await refusal(regex)).toMatch(/spec\.http\[0\]\.match\[0\]\.headers\.x-tier\.(exact|regex): /);
    const subset = virtualService([{ destination: { host: "stable", subset: "v2" } }]);
    expect(await refusal(subset)).toContain('spec.http[0].route[0].destination.subset: Unsupported value: "v2"');
    const mirrored = virtualService([]);
    Object.assign(mirrored.spec, { http: [{ route: [destination("stable", 100)], mirror: { host: "canary" } }] });
    expect(await refusal(mirrored)).toContain("spec.http[0].mirror: Too many: 1: must have at most 0 items");
  });

  it("routes by an HTTPRoute before a VirtualService, and reports that it is accepted", async () => {
    await apply(httpRoute([backendRef("canary", 1), backendRef("stable", 0)]));
    await untilAll(host, "canary");
    const path = '{.status.parents[0].conditions[?(@.type=="Accepted")].status}';
    await eventually(async () => (await k.run(["get", "httproute", "root", "-o", `jsonpath=${path}`])) === "True", "Accepted");
    await k.run(["delete", "virtualservice", "root"]);
    expect(await k.run(["get", "httproutes", "--no-headers"])).toMatch(/^root\s/);
  });

  it("matches the headers of an HTTPRoute, the most specific first", async () => {
    const matches = [{ headers: [{ name: "X-Tier", value: "beta" }] }];
    await apply(httpRoute([backendRef("stable", 1)], [{ matches, backendRefs: [backendRef("canary", 1)] }]));
    await untilAll(host, "stable");
    expect(await request(host, { "x-tier": "beta" })).toBe("canary");
  });

  it("answers 500 for the share of a backend that does not exist, 503 for one without endpoints, and says why", async () => {
    await apply(httpRoute([backendRef("gone", 1)]));
    await untilAll(host, 500);
    const reason = '{.status.parents[0].conditions[?(@.type=="ResolvedRefs")].reason}';
    const reported = async () => (await k.run(["get", "httproute", "root", "-o", `jsonpath=${reason}`])) === "BackendNotFound";
    await eventually(reported, "the reason");
    await apply(httpRoute([backendRef("empty", 1)]));
    await untilAll(host, 503);
  });

  it("refuses parents and matches that are not honoured", async () => {
    const gateway = httpRoute([backendRef("stable", 1)], [], { group: "", kind: "Gateway", name: "outside" });
    expect(await refusal(gateway)).toContain(
      'spec.parentRefs[0].kind: Unsupported value: "Gateway": supported values: "Service"',
    );
    const matches = [{ headers: [{ type: "RegularExpression", name: "x", value: ".*" }] }];
    const regex = httpRoute([backendRef("stable", 1)], [{ matches, backendRefs: [backendRef("canary", 1)] }]);
    expect(await refusal(regex)).toContain('spec.rules[0].matches[0].headers[0].type: Unsupported value: "RegularExpression"');
  });
});

describe("the client library with routes", () => {
  const namespace = "routes-library";
  const of = { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes", namespace };
  const mesh = { group: "networking.istio.io", version: "v1", plural: "virtualservices", namespace };
  let host: string;

  beforeAll(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    host = await createServices(namespace);
  });

  it("moves weights of an HTTPRoute with a patch", async () => {
    await custom.createNamespacedCustomObject({ ...of, body: httpRoute([backendRef("stable", 1), backendRef("canary", 0)]) });
    await untilAll(host, "stable");
    const body = [
      { op: "replace", path: "/spec/rules/0/backendRefs/0/weight", value: 0 },
      { op: "replace", path: "/spec/rules/0/backendRefs/1/weight", value: 1 },
    ];
    await custom.patchNamespacedCustomObject(
      { ...of, name: "root", body },
      setHeaderOptions("Content-Type", PatchStrategy.JsonPatch),
    );
    await untilAll(host, "canary");
    await custom.deleteNamespacedCustomObject({ ...of, name: "root" });
    await untilAll(host, "root");
  });

  it("fills in the defaults of the Gateway API", async () => {
    const body = httpRoute([{ name: "stable", port }]);
    const created = (await custom.createNamespacedCustomObject({ ...of, body })) as ReturnType<typeof httpRoute>;
    expect(created.spec.rules[0]).toEqual({
      matches: [{ path: { type: "PathPrefix", value: "/" } }],
      backendRefs: [{ group: "", kind: "Service", name: "stable", port, weight: 1 }],
    });
    await custom.deleteNamespacedCustomObject({ ...of, name: "root" });
  });

  it("is refused a weight below 0 with 422", async () => {
    const body = virtualService([destination("stable", -1)]);
    const refused = await custom.createNamespacedCustomObject({ ...mesh, body }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiException);
    expect((refused as ApiException<string>).code).toBe(422);
    expect(String((refused as ApiException<string>).body)).toContain("spec.http[0].route[0].weight");
  });

  it("follows a VirtualService for a Service of another namespace by its full name", async () => {
    const elsewhere = "routes-elsewhere";
    await core.createNamespace({ body: { metadata: { name: elsewhere } } });
    const name = (service: string) => `${service}.${namespace}.svc.cluster.local`;
    const body = virtualService([destination(name("canary"), 1)]);
    body.spec.hosts = [name("root")];
    await custom.createNamespacedCustomObject({ ...mesh, namespace: elsewhere, body });
    await untilAll(host, "canary");
    await core.deleteNamespace({ name: elsewhere });
    await untilAll(host, "root");
  });

  it("sees no header added on the way, and its own address at the backend", async () => {
    const seen = Promise.withResolvers<{ headers: IncomingHttpHeaders; from: string | undefined }>();
    const [root] = servers;
    root?.once("request", ({ headers, socket }) => seen.resolve({ headers, from: socket.remoteAddress }));
    await custom.createNamespacedCustomObject({ ...of, body: httpRoute([backendRef("root", 1)]) });
    await request(host, { "x-mine": "1" });
    const { headers, from } = await seen.promise;
    expect(from).toBe("127.0.0.1");
    expect(headers["x-mine"]).toBe("1");
    expect(Object.keys(headers).filter((name) => name.startsWith("x-forwarded"))).toEqual([]);
    expect(headers.host).toBe(`${host}:${port}`);
  });
});
