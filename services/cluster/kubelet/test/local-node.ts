import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient, readKubeconfig } from "../../api-client.ts";
import type { Container, Pod, PodSpec } from "../pod.ts";

const projectDir = join(import.meta.dirname, "..", "..", "..", "..");
const namespace = "/api/v1/namespaces/default";

export type PodInput = Omit<Partial<PodSpec>, "containers"> & { containers: Partial<Container>[] };

export type EventObject = { reason: string; message: string; type: string; count: number; involvedObject: { uid: string } };

/** An API server and one kubelet as real processes in a folder of their own, for tests. */
export class LocalNode {
  readonly folder = mkdtempSync(join(tmpdir(), "local-node-"));
  readonly address = "127.10.0.1";
  kubeletPort = 0;
  #apiPort = 0;
  #server: ChildProcess | undefined;
  #kubelet: ChildProcess | undefined;
  #client: ApiClient | undefined;

  get client(): ApiClient {
    if (!this.#client) throw new Error("not started");
    return this.#client;
  }

  get token(): string {
    return readFileSync(join(this.folder, "kubelet.token"), "utf8").trim();
  }

  async start(): Promise<void> {
    this.#apiPort = await freePort("127.0.0.1");
    this.kubeletPort = await freePort(this.address);
    await this.startServer();
    await this.startKubelet();
  }

  async startServer(): Promise<void> {
    this.#server = run("services/cluster/main.ts", { CLUSTER_DATA_DIR: this.folder, CLUSTER_PORT: String(this.#apiPort) });
    const kubeconfig = join(this.folder, "admin.kubeconfig");
    await until("the API server", () => existsSync(kubeconfig));
    this.#client ??= new ApiClient(readKubeconfig(kubeconfig));
    await until("the API server", () => this.client.get(namespace).then(() => true));
  }

  async killServer(): Promise<void> {
    this.#server?.kill("SIGKILL");
    if (this.#server) await once(this.#server, "exit");
  }

  async startKubelet(): Promise<void> {
    this.#kubelet = run("services/cluster/kubelet/main.ts", {
      KUBELET_NODE_NAME: "node-1",
      KUBELET_KUBECONFIG: join(this.folder, "kubelet-node-1.kubeconfig"),
      KUBELET_DATA_DIR: join(this.folder, "nodes", "node-1"),
      KUBELET_ADDRESS: this.address,
      KUBELET_PORT: String(this.kubeletPort),
      // Another one for each of vitest's workers.
      KUBELET_POD_CIDR: `127.79.${process.env.VITEST_POOL_ID ?? 1}0.0/24`,
      KUBELET_TOKEN_FILE: join(this.folder, "kubelet.token"),
      KUBELET_SHUTDOWN_GRACE_SECONDS: "1",
    });
    await until("the node", async () => {
      type Node = { status?: { conditions?: { type: string; status: string }[] } };
      const { status } = await this.client.get<Node>("/api/v1/nodes/node-1");
      return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    });
  }

  async endKubelet(signal: NodeJS.Signals): Promise<void> {
    const child = this.#kubelet;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async stop(): Promise<void> {
    await this.endKubelet("SIGTERM");
    this.#client?.close();
    if (this.#server?.exitCode === null) {
      this.#server.kill("SIGTERM");
      await once(this.#server, "exit");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  create(resource: string, object: object): Promise<unknown> {
    return this.client.send(`${namespace}/${resource}`, { method: "POST", json: { apiVersion: "v1", ...object } });
  }

  async createPod(name: string, { containers, ...spec }: PodInput): Promise<Pod> {
    const filled = containers.map((container) => ({ name: "main", image: "debian:12", ...container }));
    const json = {
      kind: "Pod",
      metadata: { name },
      spec: { nodeName: "node-1", terminationGracePeriodSeconds: 1, ...spec, containers: filled },
    };
    return (await this.create("pods", json)) as Pod;
  }

  getPod(name: string): Promise<Pod> {
    return this.client.get<Pod>(`${namespace}/pods/${name}`);
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const json = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds };
    await this.client.send(`${namespace}/pods/${name}`, { method: "DELETE", json });
  }

  /** Waits until the pod is as wanted, and gives it. */
  untilPod(name: string, wanted: (pod: Pod) => unknown, timeoutMs?: number): Promise<Pod> {
    return until(
      `pod ${name}`,
      async () => {
        const pod = await this.getPod(name);
        return wanted(pod) ? pod : undefined;
      },
      timeoutMs,
    );
  }

  untilReady(name: string): Promise<Pod> {
    return this.untilPod(name, isReady);
  }

  untilGone(name: string, timeoutMs?: number): Promise<boolean> {
    return until(
      `the end of ${name}`,
      () =>
        this.getPod(name).then(
          () => undefined,
          () => true,
        ),
      timeoutMs,
    );
  }

  untilEvent(pod: Pod, wanted: (event: EventObject) => boolean): Promise<EventObject> {
    return until(`an event of ${pod.metadata.name}`, async () => {
      const { items } = await this.client.get<{ items: EventObject[] }>(`${namespace}/events`);
      return items.find((event) => event.involvedObject.uid === pod.metadata.uid && wanted(event));
    });
  }

  /** Logs through the API server, as kubectl asks for them. */
  async logs(name: string, query = ""): Promise<string> {
    const answer = await this.fetchKubelet(`/containerLogs/default/${name}/main?${query}`);
    return answer.body;
  }

  untilLog(name: string, part: string): Promise<string> {
    return until(`"${part}" in the log of ${name}`, async () => {
      const text = await this.logs(name);
      return text.includes(part) ? text : undefined;
    });
  }

  async fetchKubelet(path: string, token = this.token): Promise<{ status: number; body: string }> {
    const ca = readFileSync(join(this.folder, "pki", "ca.crt"));
    return new Promise((resolve, reject) => {
      const options = { host: this.address, port: this.kubeletPort, path, ca, headers: { authorization: `Bearer ${token}` } };
      const sent = request(options, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          body += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on("error", reject);
      sent.end();
    });
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

export function mainStatus(pod: Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === "main");
}

/** The processes of this machine whose command line holds the text. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Tries until there is an answer that is not false or undefined; an error counts as none yet. */
export async function until<T>(
  what: string,
  attempt: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await attempt();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: last });
}

function run(script: string, env: Record<string, string>): ChildProcess {
  const base = { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? "error" };
  return spawn(process.execPath, [join(projectDir, script)], {
    cwd: projectDir,
    env: { ...base, ...env } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function freePort(host: string): Promise<number> {
  for (let port = 21_000 + (process.pid % 500) * 20; ; port += 1) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, host, () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
}
