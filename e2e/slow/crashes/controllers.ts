import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { controllerOptions } from "#lib/runtime/node-options.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

const main = fileURLToPath(new URL("../../../services/controller/main.ts", import.meta.url));

export type ControllerSettings = {
  databaseUrl: string;
  kubeconfig: string;
  prometheusUrl: string;
  /** A folder for backups and for what is only needed for a while. */
  folder: string;
  /** One key, or several parted by commas. */
  backupKey: string;
};

/** Controllers as processes of their own, so many at a time, of which any can be killed; it is replaced at once. */
export class Controllers {
  readonly #settings: ControllerSettings;
  readonly #running: (ChildProcess | undefined)[] = [];

  constructor(settings: ControllerSettings) {
    this.#settings = settings;
  }

  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#startOne(index)));
  }

  /** kill -9 of one of them, by its number, and another one in its place; resolves when that one has begun to work. */
  async replace(index: number): Promise<void> {
    await this.#kill(index);
    await this.#startOne(index);
  }

  /** The process of one of them now. */
  pidOf(index: number): number {
    const pid = this.#running[index]?.pid;
    if (pid === undefined) throw new Error(`controller ${index} does not run`);
    return pid;
  }

  /** The recovery process of one of them; undefined while it has none. */
  recoveryPidOf(index: number): number | undefined {
    const pid = this.pidOf(index);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    return children.find((child) => commandOf(child).includes("recovery-main"));
  }

  /** kill -9 of the recovery process of one of them alone: its controller starts another one. False when it has none. */
  killRecovery(index: number): boolean {
    const pid = this.recoveryPidOf(index);
    return pid !== undefined && process.kill(pid, "SIGKILL");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((_, index) => this.#kill(index)));
  }

  async #kill(index: number): Promise<void> {
    const child = this.#running[index];
    this.#running[index] = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    // With what it has started, as a machine that fails would.
    process.kill(-(child.pid as number), "SIGKILL");
    await exited;
  }

  async #startOne(index: number): Promise<void> {
    const { databaseUrl, kubeconfig, prometheusUrl, folder, backupKey } = this.#settings;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...controllerOptions, main], {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        SWITCHYARD_KUBECONFIG: kubeconfig,
        PROMETHEUS_URL: prometheusUrl,
        SWITCHYARD_SCRAPE_INTERVAL_SECONDS: "2",
        SWITCHYARD_ENCRYPTION_KEY: "the-key-of-a-test-that-seals-nothing-0123456789",
        SWITCHYARD_BACKUP_STORAGE: pathToFileURL(join(folder, "storage")).href,
        SWITCHYARD_BACKUP_KEYS: backupKey,
        SWITCHYARD_WORK_DIR: join(folder, "work"),
        CONTROLLER_ADDRESS: `127.0.0.1:${await freePort()}`,
        LOG_LEVEL: "info",
      },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    this.#running[index] = child;
    const lines = createInterface({ input: child.stdout });
    const failures: string[] = [];
    const started = new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        if (line.includes('"msg":"started"')) resolve();
        if (line.includes('"level":"error"')) failures.push(line);
      });
      child.once("exit", (code, signal) =>
        reject(new Error(`the controller ended with ${code ?? signal}: ${failures.join("\n")}`)),
      );
    });
    await started;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
