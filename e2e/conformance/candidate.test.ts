import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { CoreV1Api, KubernetesObjectApi, loadAllYaml, PolicyV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { candidateDeployment, candidateService } from "#lib/domain/rollouts/engine/candidate.ts";
import { candidateOfLabel } from "#lib/domain/rollouts/engine/run.ts";
import { rulesField, type ServiceObject, weighRules } from "#lib/domain/rollouts/engine/traffic.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { end, eventually, startProxy, startTestCluster, type TestCluster, testNetwork } from "./harness.ts";

/** What a rollout makes, as the local cluster's controllers and its proxy see it: two Deployments behind one Service, and a route. */

const definitions = readFileSync(fileURLToPath(new URL("../../deploy/demo/05-routes.yaml", import.meta.url)), "utf8");
const [port, targetPort] = [18_445, 18_446];
const namespace = "candidate";
const hashLabel = "pod-template-hash";
const rolloutId = "0198f3a0-0000-7000-8000-000000000001";

let cluster: TestCluster;
let proxy: ChildProcess;
let kubernetes: KubernetesClient;
let objects: KubernetesObjectApi;
let core: CoreV1Api;
let host: string;
const servers: Server[] = [];

const fleet = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: relay, namespace: ${namespace}, labels: { switchyard.dev/kind: relay } }
spec:
  replicas: 2
  selector: { matchLabels: { app: relay } }
  template: { metadata: { labels: { app: relay } }, spec: { containers: [{ name: relay, image: "demo/relay:1.0.0" }] } }
---
apiVersion: v1
kind: Service
metadata: { name: relay, namespace: ${namespace} }
spec: { selector: { app: relay }, ports: [{ name: websocket, port: ${port}, targetPort: ${targetPort} }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: relay, namespace: ${namespace} }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: relay } } }
`;

const routes = {
  VirtualService: {
    path: `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`,
    apiVersion: "networking.istio.io/v1",
    spec: { hosts: ["relay"] },
    rules: [{ route: [{ destination: { host: "relay" }, weight: 100 }] }],
  },
  HTTPRoute: {
    path: `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`,
    apiVersion: "gateway.networking.k8s.io/v1",
    spec: { parentRefs: [{ group: "", kind: "Service", name: "relay" }] },
    rules: [{ backendRefs: [{ name: "relay", port }] }],
  },
} as const;
type RouteKind = keyof typeof routes;

async function create(yaml: string): Promise<void> {
  for (const object of loadAllYaml(yaml)) await objects.create(object);
}

const readStable = () => kubernetes.get<Workload>(paths.workload("Deployment", namespace, "relay"));

async function listPods() {
  const { items } = await core.listNamespacedPod({ namespace });
  return items.map(({ metadata }) => ({ name: metadata?.name ?? "", labels: metadata?.labels ?? {} }));
}

/** Does what a node would: the pod runs, is ready, and answers with its side. */
async function run(name: string, side: string, address: string): Promise<void> {
  const server = createServer((_, response) => response.end(side));
  server.listen(targetPort, address);
  await once(server, "listening");
  servers.push(server);
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions: [{ type: "Ready", status: "True" }] };
  await core.patchNamespacedPodStatus({ namespace, name, body: [{ op: "replace", path: "/status", value: status }] });
}

beforeAll(async () => {
  cluster = await startTestCluster();
  proxy = startProxy(cluster);
  kubernetes = connectKubernetes({ kubeconfig: cluster.kubeconfigPath, inCluster: false });
  objects = KubernetesObjectApi.makeApiClient(cluster.config);
  core = cluster.config.makeApiClient(CoreV1Api);
  await create(definitions);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await create(fleet);
  const template = {
    metadata: { labels: { app: "relay" } },
    spec: { containers: [{ name: "relay", image: "demo/relay:2.0.0" }] },
  };
  const options = { rolloutId, template, replicas: 1, progressDeadlineSeconds: 60 };
  await kubernetes.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, candidateDeployment(await readStable(), options));
  const pods = await eventually(async () => {
    const found = await listPods();
    return found.length === 3 && found;
  }, "the pods of both Deployments");
  for (const [index, { name, labels }] of pods.entries()) {
    await run(name, labels[candidateOfLabel] ? "candidate" : "stable", `${testNetwork}.50.${index + 2}`);
  }
  host = (await core.readNamespacedService({ namespace, name: "relay" })).spec?.clusterIP ?? "";
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  kubernetes?.close();
  await end(proxy, "SIGTERM");
  await cluster?.stop();
});

async function ask(headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`http://${host}:${port}/`, { headers: { connection: "close", ...headers } }).catch(() => undefined);
  return answer?.ok ? answer.text() : String(answer?.status ?? "refused");
}

async function countCandidate(requests: number): Promise<number> {
  const sides: string[] = [];
  while (sides.length < requests) sides.push(...(await Promise.all(Array.from({ length: 25 }, () => ask()))));
  expect(new Set(sides)).toEqual(new Set(["stable", "candidate"]));
  return sides.filter((side) => side === "candidate").length;
}

const untilAll = (side: string) =>
  eventually(async () => {
    for (let at = 0; at < 10; at += 1) if ((await ask()) !== side) return false;
    return true;
  }, `everything goes to ${side}`);

async function select(selector: Record<string, string>): Promise<void> {
  const body = [{ op: "replace", path: "/spec/selector", value: selector }];
  await core.patchNamespacedService({ namespace, name: "relay", body });
}

async function hashOf(side: "stable" | "candidate"): Promise<string> {
  const pod = (await listPods()).find(({ labels }) => (labels[candidateOfLabel] !== undefined) === (side === "candidate"));
  return pod?.labels[hashLabel] ?? "";
}

/** Gives the candidate its share as a rollout does, and those requests that have the header. */
async function weigh(kind: RouteKind, percent: number): Promise<void> {
  const { path, rules } = routes[kind];
  const header = { name: "X-Canary", value: "always" };
  const weighed = weighRules(
    { kind, rules: [...rules] },
    { namespace, service: "relay", candidate: "relay-candidate", percent, header },
  );
  await kubernetes.patch(`${path}/relay`, [{ op: "replace", path: `/spec/${rulesField[kind]}`, value: weighed }]);
}

it("keeps the pods of both Deployments apart, though the Service's own selector finds all of them", async () => {
  expect(await hashOf("stable")).not.toBe(await hashOf("candidate"));
  await eventually(async () => (await ask()) === "candidate", "a connection to the candidate");
  // One of three instances, as the proxy takes them in turn or by chance: four standard deviations.
  const count = await countCandidate(150);
  expect(Math.abs(count - 50)).toBeLessThan(4 * Math.sqrt(150 * (1 / 3) * (2 / 3)));
});

it("divides no more by instances once the Service is pinned to stable", async () => {
  const service = await kubernetes.get<ServiceObject>(`${paths.servicesOf(namespace)}/relay`);
  const object = candidateService(await readStable(), service, { rolloutId, selector: { app: "relay" } });
  await kubernetes.create(paths.servicesOf(namespace), object);
  await select({ app: "relay", [hashLabel]: await hashOf("stable") });
  await untilAll("stable");
});

it.each<RouteKind>(["VirtualService", "HTTPRoute"])("divides by the weights of the %s, and follows its header", async (kind) => {
  const { path, apiVersion, spec, rules } = routes[kind];
  const object = { apiVersion, kind, metadata: { name: "relay" }, spec: { ...spec, [rulesField[kind]]: rules } };
  await kubernetes.create(path, object);
  await weigh(kind, 1);
  await eventually(async () => (await ask({ "x-canary": "always" })) === "candidate", "the header's match");
  await weigh(kind, 10);
  await eventually(async () => (await ask()) === "candidate", "a request to the candidate");
  const count = await countCandidate(400);
  expect(Math.abs(count - 40)).toBeLessThan(4 * Math.sqrt(400 * 0.1 * 0.9));
  await weigh(kind, 100);
  await untilAll("candidate");
  await kubernetes.patch(`${path}/relay`, [{ op: "replace", path: `/spec/${rulesField[kind]}`, value: rules }]);
  await untilAll("stable");
  await objects.delete({ apiVersion, kind, metadata: { name: "relay", namespace } });
});

it("switches all new connections by the selector, and back", async () => {
  await select({ app: "relay", [hashLabel]: await hashOf("candidate") });
  await untilAll("candidate");
  await select({ app: "relay", [hashLabel]: await hashOf("stable") });
  await untilAll("stable");
  await select({ app: "relay" });
});

it("counts both in a disruption budget that selects both", async () => {
  const policy = cluster.config.makeApiClient(PolicyV1Api);
  const status = await eventually(async () => {
    const found = (await policy.readNamespacedPodDisruptionBudget({ namespace, name: "relay" })).status;
    return found?.currentHealthy === 3 && found;
  }, "three healthy instances");
  expect(status).toMatchObject({ expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 });
});
