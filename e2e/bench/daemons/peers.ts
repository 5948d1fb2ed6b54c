import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The peers from the system's packages: what to ask for the version, and the package that holds them. */
const peers = {
  nmap: { versionArgs: ["--version"], debian: "nmap" },
  "nats-server": { versionArgs: ["--version"], debian: "nats-server" },
  mosquitto: { versionArgs: ["-h"], debian: "mosquitto" },
  haproxy: { versionArgs: ["-v"], debian: "haproxy" },
  "redis-server": { versionArgs: ["--version"], debian: "redis-server" },
} as const;

export type PeerName = keyof typeof peers;

/** The path of a peer's program, or undefined when this machine does not have it. */
export function findPeer(name: PeerName): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

export function howToInstall(name: PeerName): string {
  return `${name} is not on this machine: apt-get install ${peers[name].debian}`;
}

/** For the head of the report: the version of each peer, or how to get it. */
export async function peerVersions(): Promise<[string, string][]> {
  return Promise.all(
    Object.entries(peers).map(async ([name, { versionArgs }]): Promise<[string, string]> => {
      const path = findPeer(name as PeerName);
      if (!path) return [name, howToInstall(name as PeerName)];
      // mosquitto -h tells its version and exits with 3.
      const { stdout } = await run(path, [...versionArgs]).catch((error: { stdout?: string }) => ({
        stdout: error.stdout ?? "",
      }));
      return [name, stdout.match(/\d+\.\d+[\w.-]*/)?.[0] ?? "unknown"];
    }),
  );
}

/** The processes and the scratch folder of a run: `stop` ends every one of them and removes the folder. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "switchyard-bench-"));
  readonly #processes = new Set<ChildProcess>();

  start(command: string, args: string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(command, args, { stdio: "ignore", ...options });
    this.#processes.add(child);
    child.once("error", () => this.#processes.delete(child));
    child.once("exit", () => this.#processes.delete(child));
    return child;
  }

  /** A script of this folder as a process that is talked to by messages; resolves with its first one. */
  async startScript(script: string, args: string[] = [], env = process.env): Promise<{ child: ChildProcess; first: unknown }> {
    const path = join(import.meta.dirname, script);
    const child = this.start(process.execPath, ["--disable-warning=ExperimentalWarning", path, ...args], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env,
    });
    const [first] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`${script} ended with ${code}`))),
    ]);
    return { child, first };
  }

  async end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    // A process that was stopped by SIGSTOP takes nothing but this one.
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes].map((child) => this.end(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until somebody listens; rejects after 20 s. */
export async function untilListening(port: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const listens = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (listens) return;
    if (Date.now() > deadline) throw new Error(`nobody listens on port ${port}`);
    await sleep(20);
  }
}

export function portOf(server: { address(): string | AddressInfo | null }): number {
  return (server.address() as AddressInfo).port;
}
