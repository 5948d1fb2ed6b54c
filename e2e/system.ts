import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dataDir = join(root, ".switchyard", "e2e");

/** The whole product as `npm start` brings it up, on ports, addresses and data of its own. */
export const system = {
  url: "http://localhost:3100",
  dataDir,
  kubeconfig: join(dataDir, "cluster", "admin.kubeconfig"),
  environment: {
    SWITCHYARD_DATA_DIR: dataDir,
    SWITCHYARD_PORT: "3100",
    SWITCHYARD_CONTROLLER_PORT: "3101",
    SWITCHYARD_POSTGRES_PORT: "15433",
    SWITCHYARD_CLUSTER_PORT: "16444",
    SWITCHYARD_CLUSTER_NETWORK: "127.20",
  },
};

/** A started system: the administrator's password that it printed, what it printed in all, and how to stop it. */
export type StartedSystem = {
  password: string | undefined;
  output: () => string;
  launcher: ChildProcess;
  stop: () => Promise<number | null>;
};

/** Runs the launcher until it has printed the address. `fresh` begins with an empty data directory. */
export async function startSystem(options: { fresh: boolean }): Promise<StartedSystem> {
  if (options.fresh) rmSync(dataDir, { recursive: true, force: true });
  const launcher = spawn("sh", [join(root, "services", "launcher", "start.sh")], {
    cwd: root,
    env: { ...process.env, ...system.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const ended = new Promise<number | null>((resolve) => launcher.once("exit", resolve));
  const ready = new Promise<void>((resolve, reject) => {
    function read(chunk: Buffer) {
      output += chunk.toString();
      if (output.includes("Ctrl-C stops everything.")) resolve();
    }
    launcher.stdout.on("data", read);
    launcher.stderr.on("data", read);
    launcher.once("exit", (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  await ready;
  async function stop() {
    launcher.kill("SIGINT");
    return ended;
  }
  return { password: /password\s+(\S+)/.exec(output)?.[1], output: () => output, launcher, stop };
}
