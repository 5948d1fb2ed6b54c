import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ApiClient, type Connection, readKubeconfig } from "#services/cluster/api-client.ts";
import type { ProbeQuestion, ProbeReading } from "./probe.ts";

const projectDir = fileURLToPath(new URL("../../..", import.meta.url));

/** The real API server with its controllers, in a process of its own that can be asked for its CPU time and memory. */
export type MeasuredServer = {
  startedInMs: number;
  kubeconfigPath: string;
  connection: Connection;
  client: ApiClient;
  read(question?: ProbeQuestion): Promise<ProbeReading>;
  /** Profiles the CPU during the action when a folder for profiles was given. */
  profiled<T>(name: string, action: () => Promise<T>): Promise<T>;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
};

/** As the launcher starts it (services/launcher/local-cluster.ts). */
const launchedWith = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8"];

export type MeasuredServerOptions = {
  dataDir: string;
  /** A folder for the CPU profiles of the server's phases. */
  profileDir?: string;
};

export async function startMeasuredServer({ dataDir, profileDir }: MeasuredServerOptions): Promise<MeasuredServer> {
  const startedAt = performance.now();
  const probe = fileURLToPath(new URL("./probe.ts", import.meta.url));
  const child = spawn(process.execPath, [...launchedWith, "--expose-gc", "--import", probe, "services/cluster/main.ts"], {
    cwd: projectDir,
    env: { ...process.env, CLUSTER_DATA_DIR: dataDir, CLUSTER_PORT: "0", CLUSTER_NETWORK: "127.74", LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  await untilServing(child);
  const startedInMs = performance.now() - startedAt;
  const kubeconfigPath = join(dataDir, "admin.kubeconfig");
  const connection = readKubeconfig(kubeconfigPath);
  const client = new ApiClient(connection);
  const read = async (question: ProbeQuestion = { ask: "read" }) => {
    child.send(question);
    const [reading] = await once(child, "message");
    return reading as ProbeReading;
  };
  return {
    startedInMs,
    kubeconfigPath,
    connection,
    client,
    read,
    async profiled(name, action) {
      if (!profileDir) return action();
      await read({ ask: "profile" });
      try {
        return await action();
      } finally {
        await read({ ask: "save-profile", path: join(profileDir, `${name}.cpuprofile`) });
      }
    },
    async end(signal) {
      client.close();
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
  };
}

function untilServing(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) return reject(new Error("the server has no output"));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { msg, level, ...rest } = JSON.parse(line) as { msg?: string; level?: string };
      if (msg === "serving the Kubernetes API") resolve();
      else if (level === "error" || level === "fatal") process.stderr.write(`the server: ${msg} ${JSON.stringify(rest)}\n`);
    });
    child.once("exit", (code) => reject(new Error(`the API server ended with code ${code}`)));
  });
}
