import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type ApiException, CoreV1Api, DiscoveryV1Api, type V1EndpointSliceList, type V1Service } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, dial, keptConnection } from "./echo-server.ts";
import { end, eventually, startProxy, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

const port = 18_450;

let cluster: TestCluster;
let proxy: ChildProcess;
const servers: Server[] = [];

async function startBackend(name: string): Promise<number> {
  const server = createServer((_, response) => response.end(JSON.stringify({ pod: name })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

beforeAll(async () => {
  cluster = await startTestCluster();
  proxy = startProxy(cluster);
});

afterAll(async () => {
  await end(proxy, "SIGTERM");
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await cluster?.stop();
});

const service = (name: string, spec: V1Service["spec"] = {}): V1Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { ports: [{ name: "http", port }], ...spec },
});

describe.each(findKubectls())("kubectl $version with Services", (kubectl: Kubectl) => {
  const namespace = `service-api-${kubectl.minor}`;
  let k: KubectlSession;
  const apply = (object: object) => k.run(["apply", "-f", "-"], JSON.stringify(object));
  const refusal = (spec: V1Service["spec"]) => k.refusal(["apply", "-f", "-"], JSON.stringify(service("refused", spec)));
  const addressOf = (name: string) => k.run(["get", "service", name, "-o", "jsonpath={.spec.clusterIP}"]);

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
  });

  it("connects a Service without a selector to Endpoints written by hand, and mirrors them into a slice", async () => {
    const backend = await startBackend("by hand");
    await apply(service("manual"));
    const host = await addressOf("manual");
    expect(await dial(host, port)).toBe("ECONNREFUSED");
    const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: backend }] }];
    await apply({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "manual" }, subsets });
    await eventually(async () => (await dial(host, port)) === "open", "the backend");
    expect((await ask(host, port)).pod).toBe("by hand");
    const { items } = await k.json<V1EndpointSliceList>(["get", "endpointslices", "-l", "kubernetes.io/service-name=manual"]);
    expect(items.map(({ metadata }) => metadata?.labels?.["endpointslice.kubernetes.io/managed-by"])).toEqual([
      "endpointslicemirroring-controller.k8s.io",
    ]);
    await k.run(["delete", "endpoints", "manual"]);
    await eventually(async () => (await dial(host, port)) === "ECONNREFUSED", "the refusal");
  });

  it("creates Services that refuse connections, with their address in the table", async () => {
    await k.run(["create", "service", "clusterip", "made", `--tcp=${port}:8080`]);
    const host = await addressOf("made");
    expect(await k.run(["get", "service", "made", "--no-headers"])).toMatch(
      new RegExp(`^made\\s+ClusterIP\\s+${host}\\s+<none>\\s+${port}/TCP\\s`),
    );
    expect(await dial(host, port)).toBe("ECONNREFUSED");
    const { items } = await k.json<V1EndpointSliceList>(["get", "endpointslices", "-l", "kubernetes.io/service-name=made"]);
    expect(items.flatMap(({ endpoints }) => endpoints ?? [])).toEqual([]);
  });

  it.each([
    ["NodePort", { type: "NodePort" }, 'spec.type: Unsupported value: "NodePort"'],
    ["LoadBalancer", { type: "LoadBalancer" }, 'spec.type: Unsupported value: "LoadBalancer"'],
    ["UDP", { ports: [{ port, protocol: "UDP" }] }, 'spec.ports[0].protocol: Unsupported value: "UDP": supported values: "TCP"'],
    ["local traffic", { internalTrafficPolicy: "Local" }, 'spec.internalTrafficPolicy: Unsupported value: "Local"'],
    ["two families", { ipFamilyPolicy: "RequireDualStack" }, 'spec.ipFamilyPolicy: Unsupported value: "RequireDualStack"'],
    ["outside addresses", { externalIPs: ["192.0.2.1"] }, "spec.externalIPs: Forbidden"],
    [
      "an affinity of no time",
      { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400",
    ],
    ["unnamed ports of several", { ports: [{ port }, { port: port + 1 }] }, "spec.ports[0].name: Required value"],
  ] as [string, V1Service["spec"], string][])("is refused %s by the field's path", async (_, spec, message) => {
    expect(await refusal(spec)).toContain(message);
  });

  it("keeps open connections when their Service is deleted, and refuses new ones", async () => {
    const backend = await startBackend("kept");
    await apply(service("deleted"));
    const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: backend }] }];
    await apply({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "deleted" }, subsets });
    const host = await addressOf("deleted");
    await eventually(async () => (await dial(host, port)) === "open", "the backend");
    const kept = keptConnection(host, port);
    await kept.ask();
    await k.run(["delete", "service", "deleted"]);
    await eventually(async () => (await dial(host, port)) === "ECONNREFUSED", "the refusal");
    expect((await kept.ask()).pod).toBe("kept");
    kept.close();
    const left = async () => (await k.run(["get", "endpoints,endpointslices", "-o", "name"])).includes("/deleted");
    await eventually(async () => !(await left()), "endpoints and slices are removed");
  });
});

describe("the client library with Services", () => {
  const namespace = "service-api-library";
  let core: CoreV1Api;
  let discovery: DiscoveryV1Api;

  beforeAll(async () => {
    core = cluster.config.makeApiClient(CoreV1Api);
    discovery = cluster.config.makeApiClient(DiscoveryV1Api);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
  });

  it("connects a Service to slices written by hand: ready ones, else those that serve while they end", async () => {
    const [ready, draining] = [await startBackend("ready"), await startBackend("draining")];
    await core.createNamespacedService({ namespace, body: service("sliced") });
    const slice = (name: string, backend: number, conditions: object) =>
      discovery.createNamespacedEndpointSlice({
        namespace,
        body: {
          metadata: { name, labels: { "kubernetes.io/service-name": "sliced" } },
          addressType: "IPv4",
          ports: [{ name: "http", port: backend }],
          endpoints: [{ addresses: ["127.0.0.1"], conditions }],
        },
      });
    await slice("a", draining, { ready: false, serving: true, terminating: true });
    const { spec } = await core.readNamespacedService({ name: "sliced", namespace });
    const host = spec?.clusterIP ?? "";
    const answers = async (name: string) => (await ask(host, port).catch(() => undefined))?.pod === name;
    await eventually(() => answers("draining"), "the one that serves while it ends");
    await slice("b", ready, { ready: true });
    await eventually(() => answers("ready"), "the ready one");
    for (let at = 0; at < 4; at++) expect((await ask(host, port)).pod).toBe("ready");
    await discovery.deleteNamespacedEndpointSlice({ name: "b", namespace });
    await eventually(() => answers("draining"), "the one that serves while it ends");
  });

  it("passes over an endpoint that is dead", async () => {
    const [alive, dead] = [await startBackend("alive"), await startBackend("dead")];
    servers.pop()?.close();
    await core.createNamespacedService({ namespace, body: service("half") });
    const subset = (backend: number) => ({ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: backend }] });
    const body = { metadata: { name: "half" }, subsets: [subset(dead), subset(alive)] };
    await core.createNamespacedEndpoints({ namespace, body });
    const { spec } = await core.readNamespacedService({ name: "half", namespace });
    const host = spec?.clusterIP ?? "";
    await eventually(async () => (await dial(host, port)) === "open", "the address");
    for (let at = 0; at < 6; at++) expect((await ask(host, port)).pod).toBe("alive");
  });

  it("asks for an address of its own, and is refused one that is taken or out of range", async () => {
    const { spec } = await core.readNamespacedService({ name: "kubernetes", namespace: "default" });
    const range = spec?.clusterIP?.split(".").slice(0, 2).join(".");
    const created = await core.createNamespacedService({
      namespace,
      body: service("own", { clusterIP: `${range}.77.7`, ports: [{ port }] }),
    });
    expect(created.spec?.clusterIPs).toEqual([`${range}.77.7`]);
    for (const clusterIP of [`${range}.77.7`, "192.0.2.1"]) {
      const body = service("other", { clusterIP, ports: [{ port }] });
      const refused = await core.createNamespacedService({ namespace, body }).catch((error: unknown) => error);
      expect((refused as ApiException<string>).code).toBe(422);
      expect(String((refused as ApiException<string>).body)).toContain("spec.clusterIPs: Invalid value");
    }
  });

  it("has the address back when a Service is deleted and made again", async () => {
    const backend = await startBackend("again");
    const { spec } = await core.readNamespacedService({ name: "own", namespace });
    const host = spec?.clusterIP ?? "";
    await core.deleteNamespacedService({ name: "own", namespace });
    await core.createNamespacedService({ namespace, body: service("reborn", { clusterIP: host }) });
    const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: backend }] }];
    await core.createNamespacedEndpoints({ namespace, body: { metadata: { name: "reborn" }, subsets } });
    await eventually(async () => (await ask(host, port).catch(() => undefined))?.pod === "again", "the new Service");
  });
});
