import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppsV1Api, CoreV1Api, type V1Deployment } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { end, eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";

/** How often the agent takes over what its watches found. */
const refreshMs = 2_000;
/** What a busy machine may need beyond that; a list that nothing followed would be 30 s old. */
const marginMs = 8_000;

const namespace = "discovery";

type Target = { scrapePool: string; labels: Record<string, string>; discoveredLabels: Record<string, string> };

let cluster: TestCluster;
let kubelet: StandInKubelet;
let agent: ChildProcess;
let folder: string;
let address: string;
let output = "";

/**
 * Debian's Prometheus is built without kubernetes_sd_configs, so the discovery is that of vmagent (Debian's victoria-metrics),
 * which reads the same configuration and answers the same /api/v1/targets.
 */
function findAgent(): string {
  const fetched = fileURLToPath(new URL("../../.switchyard/tools/vmagent/usr/bin/vmagent", import.meta.url));
  return existsSync(fetched) ? fetched : "vmagent";
}

beforeAll(async () => {
  cluster = await startTestCluster();
  kubelet = await StandInKubelet.start(cluster.config);
  folder = await mkdtemp(join(tmpdir(), "switchyard-prometheus-"));
  const user = cluster.config.getCurrentUser();
  await writeFile(join(folder, "token"), user?.token ?? "");
  await writeFile(join(folder, "ca.crt"), Buffer.from(cluster.config.getCurrentCluster()?.caData ?? "", "base64"));
  const job = (role: string, more: object = {}) => ({
    job_name: role,
    kubernetes_sd_configs: [
      {
        role,
        api_server: cluster.address,
        authorization: { credentials_file: join(folder, "token") },
        tls_config: { ca_file: join(folder, "ca.crt") },
        ...more,
      },
    ],
    relabel_configs: [
      { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
      { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
    ],
  });
  const inNamespace = { namespaces: { names: [namespace] } };
  const config = {
    global: { scrape_interval: "1h" },
    scrape_configs: [
      job("pod", { ...inNamespace, selectors: [{ role: "pod", label: "app=web" }] }),
      job("node"),
      job("service", inNamespace),
      job("endpoints", inNamespace),
      job("endpointslice", inNamespace),
    ],
  };
  await writeFile(join(folder, "prometheus.yml"), stringify(config));
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const settings = [
    "-remoteWrite.url=http://127.0.0.1:9/nowhere",
    `-remoteWrite.tmpDataPath=${folder}/data`,
    "-loggerLevel=WARN",
  ];
  const args = [
    ...settings,
    `-promscrape.config=${folder}/prometheus.yml`,
    `-httpListenAddr=127.0.0.1:${port}`,
    `-promscrape.kubernetesSDCheckInterval=${refreshMs}ms`,
  ];
  await cluster.config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } });
  await apply(1);
  // The agent keeps what it has made of an EndpointSlice that came before its pods, until one of them changes.
  await eventually(async () => (await readyPods()).length === 1, "the first pod");
  agent = spawn(findAgent(), args, { stdio: ["ignore", "ignore", "pipe"] });
  agent.stderr?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const isUp = () =>
    fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually(isUp, "the agent answers").catch((error: Error) => {
    throw new Error(`${error.message}: ${output}`);
  });
});

afterAll(async () => {
  if (agent) await end(agent, "SIGTERM");
  await kubelet?.stop();
  await cluster?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === "object" && bound ? bound.port : 0;
}

/** A Deployment and its Service, made once and scaled afterwards. */
async function apply(replicas: number): Promise<void> {
  const apps = cluster.config.makeApiClient(AppsV1Api);
  const labels = { app: "web" };
  const container = { name: "main", image: "demo/web:1.0.0", ports: [{ name: "http", containerPort: 18_430 }] };
  const body: V1Deployment = {
    metadata: { name: "web" },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
  };
  await apps.createNamespacedDeployment({ namespace, body });
  const spec = { selector: labels, ports: [{ name: "http", port: 80, targetPort: "http" }] };
  await cluster.config.makeApiClient(CoreV1Api).createNamespacedService({ namespace, body: { metadata: { name: "web" }, spec } });
}

async function scale(replicas: number): Promise<void> {
  const apps = cluster.config.makeApiClient(AppsV1Api);
  if (replicas === 0) {
    await apps.deleteNamespacedDeployment({ name: "web", namespace });
    return;
  }
  const stored = await apps.readNamespacedDeploymentScale({ name: "web", namespace });
  await apps.replaceNamespacedDeploymentScale({ name: "web", namespace, body: { ...stored, spec: { replicas } } });
}

async function targets(role: string): Promise<Target[]> {
  const answer = await fetch(`${address}/api/v1/targets?state=active&scrapePool=${role}`);
  const { data } = (await answer.json()) as { data: { activeTargets: Target[] } };
  return data.activeTargets.filter(({ scrapePool }) => scrapePool === role);
}

async function readyPods(): Promise<string[]> {
  const { items } = await cluster.config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace, labelSelector: "app=web" });
  return items
    .filter(({ metadata, status }) => !metadata?.deletionTimestamp && status?.phase === "Running")
    .map(({ metadata }) => metadata?.name ?? "")
    .sort();
}

const podsOf = (found: Target[]) => found.map(({ labels }) => labels.pod ?? "").sort();

describe("Prometheus' discovery", () => {
  it.each(["pod", "endpoints", "endpointslice"])("finds the pods by role %s, with their labels and ports", async (role) => {
    const [found] = await eventually(async () => {
      const all = await targets(role);
      return all.length === 1 && all[0]?.discoveredLabels.__meta_kubernetes_pod_ready === "true" && all;
    }, `one target, ready: ${output}`);
    expect(podsOf(found ? [found] : [])).toEqual(await readyPods());
    const meta = found?.discoveredLabels;
    expect(meta?.__address__).toBe("127.10.10.2:18430");
    expect(meta?.__meta_kubernetes_namespace).toBe(namespace);
    expect(meta?.__meta_kubernetes_pod_label_app).toBe("web");
    expect(meta?.__meta_kubernetes_pod_container_port_name).toBe("http");
    expect(meta?.__meta_kubernetes_pod_node_name).toBe("node-1");
    expect(meta?.__meta_kubernetes_pod_controller_kind).toBe("ReplicaSet");
    if (role !== "pod") expect(meta?.__meta_kubernetes_service_name).toBe("web");
  });

  it("finds nodes at their kubelet's port, and Services at their own", async () => {
    const [node] = await eventually(async () => (await targets("node")).length === 1 && targets("node"), "the node");
    expect(node?.discoveredLabels.__address__).toBe("127.10.0.1:10250");
    expect(node?.discoveredLabels.__meta_kubernetes_node_name).toBe("node-1");
    const [service] = await eventually(async () => (await targets("service")).length === 1 && targets("service"), "the Service");
    expect(service?.discoveredLabels.__address__).toBe(`web.${namespace}.svc:80`);
  });

  it.each([
    ["scale-up", 4],
    ["scale-down", 2],
    ["deletion", 0],
  ])("follows a %s within one refresh, by every role", async (_, replicas) => {
    await scale(replicas);
    const pods = await eventually(async () => {
      const names = await readyPods();
      return names.length === replicas && names;
    }, `${replicas} pods`);
    const from = performance.now();
    for (const role of ["pod", "endpoints", "endpointslice"]) {
      const isCurrent = async () => JSON.stringify(podsOf(await targets(role))) === JSON.stringify(pods);
      await eventually(isCurrent, `${replicas} targets by role ${role}`);
    }
    expect(performance.now() - from).toBeLessThan(refreshMs + marginMs);
  });
});
