import { existsSync } from "node:fs";
import { join } from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { projectDir } from "./env.ts";
import type { PowerSwitch } from "./node-power.ts";
import { StartError } from "./start-error.ts";
import type { ProcessSpec, Supervisor } from "./supervisor.ts";

/** The nodes of the local cluster by name; the number gives a node its addresses. */
const nodes = new Map([
  ["node-1", 1],
  ["node-2", 2],
  ["node-3", 3],
]);

/** Names of its processes, in the order in which they are stopped: pods first, the API last. */
export const clusterProcesses = [[...nodes.keys()].map((node) => `kubelet-${node}`), ["cluster-proxy"], ["cluster"]];

/** Where the local cluster keeps its data, its API's port on 127.0.0.1, and the first half of its addresses (127.10). */
export type LocalCluster = {
  dataDir: string;
  port: number;
  network: string;
  /** Where autoscalers ask for the metrics of pods; a Service of the cluster is resolved. */
  prometheusUrl: string;
  logLevel: string;
};

/** The kubeconfig of its administrator, made at the first start. */
export function adminKubeconfig(cluster: LocalCluster): string {
  return join(cluster.dataDir, "admin.kubeconfig");
}

/** Starts the API server, waits until it answers, then starts the kubelets and the service proxy. Throws StartError. */
export async function startLocalCluster(cluster: LocalCluster, supervisor: Supervisor): Promise<KubeConfig> {
  supervisor.start(apiServer(cluster));
  const config = await untilServing(cluster, supervisor, 30_000);
  supervisor.start(proxy(cluster));
  for (const node of nodes.keys()) supervisor.start(kubelet(cluster, node));
  return config;
}

/** The power switch of its nodes. */
export function nodePower(cluster: LocalCluster, supervisor: Supervisor): PowerSwitch {
  return {
    nodes: () => [...nodes.keys()].map((name) => ({ name, isOn: supervisor.keeps(`kubelet-${name}`) })),
    kill: (node) => supervisor.kill(`kubelet-${node}`),
    start: (node) => supervisor.start(kubelet(cluster, node)),
  };
}

/** Resolves when every node is Ready. Throws StartError after `timeoutMs`. */
export async function untilNodesReady(config: KubeConfig, supervisor: Supervisor, timeoutMs: number): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  const isReady = await poll(timeoutMs, async () => {
    const { items } = await api.listNode();
    const ready = items.filter((node) =>
      node.status?.conditions?.some((entry) => entry.type === "Ready" && entry.status === "True"),
    );
    return ready.length >= nodes.size ? true : undefined;
  });
  if (!isReady)
    throw new StartError(`The cluster's nodes did not become ready; ${supervisor.logFile("kubelet-node-1")} says why.`);
}

async function untilServing(cluster: LocalCluster, supervisor: Supervisor, timeoutMs: number): Promise<KubeConfig> {
  const config = await poll(timeoutMs, async () => {
    if (!existsSync(adminKubeconfig(cluster))) return undefined;
    const loaded = new KubeConfig();
    loaded.loadFromFile(adminKubeconfig(cluster));
    await loaded.makeApiClient(CoreV1Api).listNamespace();
    return loaded;
  });
  if (!config) throw new StartError(`The local cluster did not start; ${supervisor.logFile("cluster")} says why.`);
  return config;
}

/** Tries until there is an answer; undefined when the time is over. An error counts as no answer yet. */
export async function poll<T>(timeoutMs: number, attempt: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const answer = await attempt().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

function apiServer({ dataDir, port, network, prometheusUrl, logLevel }: LocalCluster): ProcessSpec {
  const env = {
    CLUSTER_DATA_DIR: dataDir,
    CLUSTER_PORT: String(port),
    CLUSTER_NETWORK: network,
    CLUSTER_NAMESPACE: "fleet",
    CLUSTER_PROMETHEUS_URL: prometheusUrl,
    CLUSTER_NODES: [...nodes.keys()].join(","),
    LOG_LEVEL: logLevel,
  };
  // V8 lets the young generation grow to 48 MiB; a third of it serves 5,000 pods as fast, with 100 MiB less in all.
  return nodeProcess("cluster", "services/cluster/main.ts", env, ["--max-semi-space-size=8"]);
}

function proxy({ dataDir, logLevel }: LocalCluster): ProcessSpec {
  const env = { PROXY_KUBECONFIG: join(dataDir, "proxy.kubeconfig"), LOG_LEVEL: logLevel };
  return nodeProcess("cluster-proxy", "services/cluster/proxy/main.ts", env);
}

function kubelet({ dataDir, network, logLevel }: LocalCluster, node: string): ProcessSpec {
  const number = nodes.get(node);
  const env = {
    KUBELET_NODE_NAME: node,
    KUBELET_KUBECONFIG: join(dataDir, `kubelet-${node}.kubeconfig`),
    KUBELET_DATA_DIR: join(dataDir, "nodes", node),
    KUBELET_ADDRESS: `${network}.0.${number}`,
    KUBELET_POD_CIDR: `${network}.${number}0.0/24`,
    KUBELET_PKI_DIR: join(dataDir, "pki"),
    KUBELET_TOKEN_FILE: join(dataDir, "kubelet.token"),
    KUBELET_IMAGES: join(projectDir, "services", "cluster", "images"),
    KUBELET_APP_DIR: projectDir,
    LOG_LEVEL: logLevel,
  };
  return { ...nodeProcess(`kubelet-${node}`, "services/cluster/kubelet/main.ts", env), stopTimeoutMs: 20_000 };
}

/** What Node compiled, types stripped: a process that finds all of it there starts sooner and takes 18 MiB less. */
const compileCache = join(projectDir, "node_modules", ".cache", "node");

/** A Node process of this project: `script` is its path below the root. */
export function nodeProcess(name: string, script: string, env: Record<string, string>, options: string[] = []): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", ...options, join(projectDir, script)],
    env: { NODE_ENV: "production", NODE_COMPILE_CACHE: compileCache, ...env },
    cwd: projectDir,
    ipc: true,
  };
}
