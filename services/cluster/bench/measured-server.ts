import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ApiClient, type Connection, readKubeconfig } from "../api-client.ts";
import type { ProbeReading } from "./probe.ts";

const projectDir = fileURLToPath(new URL("../../..", import.meta.url));

/** The real API server with its controllers, in a process of its own that can be asked for its CPU time and memory. */
export type MeasuredServer = {
  startedInMs: number;
  kubeconfigPath: string;
  connection: Connection;
  client: ApiClient;
  read(question?: "read" | "collect"): Promise<ProbeReading>;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
};

export type MeasuredServerOptions = {
  dataDir: string;
  /** A folder for a CPU profile of the whole run. */
  profileDir?: string;
};

export async function startMeasuredServer({ dataDir, profileDir }: MeasuredServerOptions): Promise<MeasuredServer> {
  const startedAt = performance.now();
  const profiling = profileDir ? ["--cpu-prof", "--cpu-prof-dir", profileDir] : [];
  const probe = fileURLToPath(new URL("./probe.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--disable-warning=ExperimentalWarning", ...profiling, "--import", probe, "services/cluster/main.ts"],
    {
      cwd: projectDir,
      env: { ...process.env, CLUSTER_DATA_DIR: dataDir, CLUSTER_PORT: "0", CLUSTER_NETWORK: "127.74", LOG_LEVEL: "info" },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    },
  );
  await untilServing(child);
  const startedInMs = performance.now() - startedAt;
  const kubeconfigPath = join(dataDir, "admin.kubeconfig");
  const connection = readKubeconfig(kubeconfigPath);
  const client = new ApiClient(connection);
  return {
    startedInMs,
    kubeconfigPath,
    connection,
    client,
    async read(question = "read") {
      child.send(question);
      const [reading] = await once(child, "message");
      return reading as ProbeReading;
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
