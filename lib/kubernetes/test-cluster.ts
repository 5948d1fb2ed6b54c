import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KubeConfig, KubernetesObjectApi, loadAllYaml, type KubernetesObject as Manifest } from "@kubernetes/client-node";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import type { KubernetesClient } from "./client.ts";
import { connectKubernetes } from "./connection.ts";

/** The local cluster's API server with its controllers, for tests: a process of its own, without nodes. */
export class TestCluster {
  readonly kubeconfig: string;
  readonly port: number;
  readonly #dataDir: string;
  #process: ChildProcess | undefined;

  constructor(dataDir: string, port: number) {
    this.#dataDir = dataDir;
    this.port = port;
    this.kubeconfig = join(dataDir, "admin.kubeconfig");
  }

  static async start(): Promise<TestCluster> {
    const cluster = new TestCluster(await mkdtemp(join(tmpdir(), "switchyard-cluster-")), await freePort());
    try {
      await cluster.startServer();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  client(): KubernetesClient {
    return connectKubernetes({ kubeconfig: this.kubeconfig, inCluster: false });
  }

  /** Starts the server, also again after `killServer`, on the same data. */
  async startServer(): Promise<void> {
    const main = fileURLToPath(new URL("../../services/cluster/main.ts", import.meta.url));
    const env = { ...process.env, CLUSTER_DATA_DIR: this.#dataDir, CLUSTER_PORT: String(this.port), LOG_LEVEL: "error" };
    this.#process = spawn(process.execPath, [main], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const answers = async () => {
      const client = this.client();
      try {
        return await client.get("/api/v1/namespaces");
      } finally {
        client.close();
      }
    };
    // A busy machine takes a while to load its modules.
    await until("the API server answers", answers, 50_000);
  }

  /** Ends the server at once, as a crash does. */
  async killServer(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  /** Creates every object of a YAML text. */
  async create(yaml: string): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    const api = KubernetesObjectApi.makeApiClient(config);
    for (const object of loadAllYaml(yaml)) await api.create(object as Manifest);
  }

  async stop(): Promise<void> {
    await this.killServer();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** Tries every 50 ms until there is an answer that is not undefined, null or false; rejects after `timeoutMs`. */
export async function until<T>(what: string, attempt: () => T | Promise<T>, timeoutMs = 20_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await attempt();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: last });
}
