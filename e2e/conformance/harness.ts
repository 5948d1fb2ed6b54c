import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";

const projectDir = fileURLToPath(new URL("../..", import.meta.url));

export type TestCluster = {
  dataDir: string;
  address: string;
  kubeconfigPath: string;
  config: KubeConfig;
  /** The process of the server at the moment. */
  readonly pid: number;
  /** What the server logged as an error, line by line. */
  readonly errors: readonly string[];
  /** Ends the process as a crash does, or politely, and starts it again on the same data and port. */
  restart(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  stop(): Promise<void>;
};

/** The first half of the addresses of tests' nodes and pods, away from those of a cluster that a person runs and of the other worker. */
export const testNetwork = process.env.SWITCHYARD_TEST_NETWORK ?? `127.${71 + Number(process.env.VITEST_POOL_ID ?? 1)}`;

/** Starts the API server with its controllers as a process of its own, on a free port with fresh data. */
export async function startTestCluster(settings: Record<string, string> = {}): Promise<TestCluster> {
  const dataDir = mkdtempSync(join(tmpdir(), "switchyard-conformance-"));
  const errors: string[] = [];
  let running = await startProcess(dataDir, 0, settings, errors);
  const { address } = running;
  const port = Number(new URL(address).port);
  const kubeconfigPath = join(dataDir, "admin.kubeconfig");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  return {
    dataDir,
    address,
    kubeconfigPath,
    config,
    errors,
    get pid() {
      return running.child.pid ?? 0;
    },
    async restart(signal) {
      await end(running.child, signal);
      running = await startProcess(dataDir, port, settings, errors);
    },
    async stop() {
      await end(running.child, "SIGTERM");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts the kubelet of a node (node-1, node-2 or node-3) with a catalogue of images of its own. */
export function startKubelet(
  cluster: TestCluster,
  node: string,
  imagesDir: string,
  settings: Record<string, string> = {},
): ChildProcess {
  const number = node.slice("node-".length);
  return spawn(process.execPath, ["services/cluster/kubelet/main.ts"], {
    cwd: projectDir,
    env: {
      ...process.env,
      KUBELET_NODE_NAME: node,
      KUBELET_KUBECONFIG: join(cluster.dataDir, `kubelet-${node}.kubeconfig`),
      KUBELET_DATA_DIR: join(cluster.dataDir, "nodes", node),
      KUBELET_ADDRESS: `${testNetwork}.0.${number}`,
      KUBELET_POD_CIDR: `${testNetwork}.${number}0.0/24`,
      KUBELET_IMAGES: imagesDir,
      KUBELET_SHUTDOWN_GRACE_SECONDS: "1",
      LOG_LEVEL: "error",
      ...settings,
    },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** Starts the service proxy, which listens at the ClusterIPs. */
export function startProxy(cluster: TestCluster): ChildProcess {
  return spawn(process.execPath, ["services/cluster/proxy/main.ts"], {
    cwd: projectDir,
    env: { ...process.env, PROXY_KUBECONFIG: join(cluster.dataDir, "proxy.kubeconfig"), LOG_LEVEL: "error" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function startProcess(
  dataDir: string,
  port: number,
  settings: Record<string, string>,
  errors: string[],
): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, ["services/cluster/main.ts"], {
    cwd: projectDir,
    env: {
      ...process.env,
      CLUSTER_DATA_DIR: dataDir,
      CLUSTER_PORT: String(port),
      CLUSTER_NETWORK: testNetwork,
      LOG_LEVEL: "info",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error("the API server has no output to read");
  let complaint = "";
  stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const entry = JSON.parse(line) as { level?: string; msg?: string; address?: string };
      if (entry.level === "error" || entry.level === "fatal") errors.push(line);
      if (entry.msg === "serving the Kubernetes API" && entry.address) resolve(entry.address);
    });
    child.once("exit", (code) => reject(new Error(`the API server ended with code ${code}: ${complaint}`)));
  });
  return { child, address };
}

export async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

/** Asks again until the answer is there; fails with the last answer after `timeoutMs`. */
export async function eventually<T>(ask: () => Promise<T | undefined | false>, what: string, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
