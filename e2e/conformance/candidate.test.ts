import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { CoreV1Api, KubernetesObjectApi, loadAllYaml, PatchStrategy, PolicyV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { end, eventually, startProxy, startTestCluster, type TestCluster, testNetwork } from "./harness.ts";

/** A rollout's two Deployments behind one Service, as the local cluster's controllers and its proxy see them. */

const definitions = readFileSync(fileURLToPath(new URL("../../deploy/demo/05-routes.yaml", import.meta.url)), "utf8");
const [port, targetPort] = [18_445, 18_446];
const namespace = "candidate";
const hashLabel = "pod-template-hash";
const candidateLabel = "switchyard.dev/candidate-of";

let cluster: TestCluster;
let proxy: ChildProcess;
let objects: KubernetesObjectApi;
let core: CoreV1Api;
let host: string;
const servers: Server[] = [];

function deployment(name: string, replicas: number, more: Record<string, string> = {}): string {
  const labels = JSON.stringify({ app: "relay", ...more });
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace}, labels: ${labels} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: ${labels} }
  template: { metadata: { labels: ${labels} }, spec: { containers: [{ name: relay, image: "demo/relay:1.0.0" }] } }
`;
}

const service = (name: string, selector: Record<string, string>) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: ${JSON.stringify(selector)}, ports: [{ name: websocket, port: ${port}, targetPort: ${targetPort} }] }
`;

const budget = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: relay, namespace: ${namespace} }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: relay } } }
`;

async function create(yaml: string): Promise<void> {
  for (const object of loadAllYaml(yaml)) await objects.create(object);
}

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
  objects = KubernetesObjectApi.makeApiClient(cluster.config);
  core = cluster.config.makeApiClient(CoreV1Api);
  await create(definitions);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await create([service("relay", { app: "relay" }), budget, deployment("relay", 2)].join("---"));
  await create(deployment("relay-candidate", 1, { [candidateLabel]: "relay" }));
  const pods = await eventually(async () => {
    const found = await listPods();
    return found.length === 3 && found;
  }, "the pods of both Deployments");
  for (const [index, { name, labels }] of pods.entries()) {
    await run(name, labels[candidateLabel] ? "candidate" : "stable", `${testNetwork}.50.${index + 2}`);
  }
  host = (await core.readNamespacedService({ namespace, name: "relay" })).spec?.clusterIP ?? "";
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await end(proxy, "SIGTERM");
  await cluster?.stop();
});

async function ask(headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`http://${host}:${port}/`, { headers: { connection: "close", ...headers } }).catch(() => undefined);
  return answer?.ok ? answer.text() : String(answer?.status ?? "refused");
}

async function countCandidate(requests: number): Promise<number> {
  let count = 0;
  for (let at = 0; at < requests; at += 1) {
    const side = await ask();
    expect(["stable", "candidate"]).toContain(side);
    if (side === "candidate") count += 1;
  }
  return count;
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
  const pod = (await listPods()).find(({ labels }) => (labels[candidateLabel] !== undefined) === (side === "candidate"));
  return pod?.labels[hashLabel] ?? "";
}

const route = (stable: number, candidate: number) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "relay", namespace },
  spec: {
    hosts: ["relay"],
    http: [
      { match: [{ headers: { "x-canary": { exact: "always" } } }], route: [{ destination: { host: "relay-candidate" } }] },
      {
        route: [
          { destination: { host: "relay" }, weight: stable },
          { destination: { host: "relay-candidate" }, weight: candidate },
        ],
      },
    ],
  },
});

const weigh = (stable: number, candidate: number) =>
  objects.patch(route(stable, candidate), undefined, undefined, "test", undefined, PatchStrategy.MergePatch);

it("keeps the pods of both Deployments apart, though the Service's own selector finds all of them", async () => {
  expect(await hashOf("stable")).not.toBe(await hashOf("candidate"));
  await eventually(async () => (await ask()) === "candidate", "a connection to the candidate");
  // One of three instances, as the proxy takes them in turn or by chance: four standard deviations.
  const count = await countCandidate(150);
  expect(Math.abs(count - 50)).toBeLessThan(4 * Math.sqrt(150 * (1 / 3) * (2 / 3)));
});

it("divides by the route's weights between a pinned Service and the candidate's, and follows its header", async () => {
  await create(service("relay-candidate", { app: "relay", [candidateLabel]: "relay" }));
  await select({ app: "relay", [hashLabel]: await hashOf("stable") });
  await untilAll("stable");
  await objects.create(route(100, 0));
  await eventually(async () => (await ask({ "x-canary": "always" })) === "candidate", "the header's match");
  await untilAll("stable");
  await weigh(90, 10);
  await eventually(async () => (await ask()) === "candidate", "a request to the candidate");
  const count = await countCandidate(400);
  expect(Math.abs(count - 40)).toBeLessThan(4 * Math.sqrt(400 * 0.1 * 0.9));
  await weigh(0, 100);
  await untilAll("candidate");
  await weigh(100, 0);
  await untilAll("stable");
  await objects.delete(route(100, 0));
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
