import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Backoff } from "#lib/runtime/backoff.ts";
import { StartError } from "./start-error.ts";

/** One process to keep running. */
export type ProcessSpec = {
  name: string;
  command: string;
  args: string[];
  /** The whole environment beside PATH, HOME, LANG and TZ: nothing else is handed on. */
  env?: Record<string, string>;
  cwd?: string;
  /** SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  /** How long it may take to stop before it is killed; 10,000 by default. */
  stopTimeoutMs?: number;
  /** Give it an IPC channel, by which a Node process notices that the launcher is gone. */
  ipc?: boolean;
};

type Running = { spec: ProcessSpec; child: ChildProcess; exited: Promise<void>; startedAt: number };

const maxLogBytes = 10 * 1024 * 1024;
const stableAfterMs = 30_000;
const inherited = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/**
 * Keeps processes running: each in a process group of its own, its output in `<dir>/logs/NAME.log`, started again with back-off
 * when it ends. `<dir>/run/NAME.json` records who runs, so that a start after a crash of the launcher can end what was left.
 */
export class Supervisor {
  readonly #dir: string;
  readonly #onExit: (name: string, how: string) => void;
  readonly #running = new Map<string, Running>();
  /** The next starts of those that ended by themselves. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #backoffs = new Map<string, Backoff>();
  #stopping = false;

  constructor(dir: string, onExit: (name: string, how: string) => void) {
    this.#dir = dir;
    this.#onExit = onExit;
    mkdirSync(join(dir, "logs"), { recursive: true });
    mkdirSync(join(dir, "run"), { recursive: true });
  }

  /** The path of a process's log. */
  logFile(name: string): string {
    return join(this.#dir, "logs", `${name}.log`);
  }

  /** Process ids by name. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#running].map(([name, { child }]) => [name, child.pid ?? 0]));
  }

  /** Whether a process runs, or is about to run again by itself. */
  keeps(name: string): boolean {
    return this.#running.has(name) || this.#timers.has(name);
  }

  start(spec: ProcessSpec): void {
    if (this.#stopping) return;
    const log = this.#openLog(spec.name);
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd ?? "/",
      env: { ...pick(process.env, inherited), ...spec.env } as NodeJS.ProcessEnv,
      detached: true,
      stdio: spec.ipc ? ["ignore", log, log, "ipc"] : ["ignore", log, log],
    });
    closeSync(log);
    const exited = new Promise<void>((resolve) => {
      const ended = (how: string) => {
        resolve();
        this.#ended(spec, child, how);
      };
      child.once("error", (error) => ended(`could not be started: ${error.message}`));
      child.once("exit", (code, signal) => ended(signal ? `was ended by ${signal}` : `exited with ${code}`));
    });
    this.#running.set(spec.name, { spec, child, exited, startedAt: performance.now() });
    if (child.pid) writeFileSync(this.#runFile(spec.name), JSON.stringify({ pid: child.pid, startTime: startTime(child.pid) }));
  }

  /** Stops one process and does not start it again. */
  async stop(name: string): Promise<void> {
    await this.#end(name, this.#running.get(name)?.spec.stopSignal ?? "SIGTERM");
  }

  /** Ends one process at once, as a power cut does, and does not start it again. */
  async kill(name: string): Promise<void> {
    await this.#end(name, "SIGKILL");
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    const running = this.#running.get(name);
    if (!running) return;
    this.#running.delete(name);
    const { spec, child, exited } = running;
    signalGroup(child.pid, signal);
    const timer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), spec.stopTimeoutMs ?? 10_000);
    await exited;
    clearTimeout(timer);
    signalGroup(child.pid, "SIGKILL");
    if (!this.#running.has(name)) rmSync(this.#runFile(name), { force: true });
  }

  /** Stops everything: a group at a time, in the order given; what no group names comes last. */
  async stopAll(groups: string[][]): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const group of groups) await Promise.all(group.map((name) => this.stop(name)));
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }

  /** Takes the folder for this process. Throws StartError when another launcher that runs has it. */
  async claim(): Promise<void> {
    const path = join(this.#dir, "launcher.json");
    const holder = readRecord(path);
    if (holder && holder.pid !== process.pid && startTime(holder.pid) === holder.startTime) {
      throw new StartError(
        `Switchyard already runs on ${this.#dir} (process ${holder.pid}). Stop it, or set SWITCHYARD_DATA_DIR and the ports to others.`,
      );
    }
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: startTime(process.pid) }));
  }

  /** Ends what a former launcher left behind, by the records that it kept. Returns the names. */
  async endLeftovers(): Promise<string[]> {
    const ended: string[] = [];
    for (const file of readdirSync(join(this.#dir, "run")).filter((name) => name.endsWith(".json"))) {
      const path = join(this.#dir, "run", file);
      const record = readRecord(path);
      if (record && startTime(record.pid) === record.startTime) {
        ended.push(file.slice(0, -".json".length));
        signalGroup(record.pid, file === "postgres.json" ? "SIGINT" : "SIGTERM");
        await untilGone(record.pid, record.startTime, 10_000);
        signalGroup(record.pid, "SIGKILL");
      }
      rmSync(path, { force: true });
    }
    return ended;
  }

  #ended(spec: ProcessSpec, child: ChildProcess, how: string): void {
    const running = this.#running.get(spec.name);
    // Another one of its name runs already when a process was ended and started again at once.
    if (this.#stopping || running?.child !== child) return;
    this.#running.delete(spec.name);
    signalGroup(child.pid, "SIGKILL");
    const backoff = this.#backoffs.get(spec.name) ?? new Backoff({ initialMs: 250, maxMs: 10_000, jitter: 0.2 });
    this.#backoffs.set(spec.name, backoff);
    if (performance.now() - running.startedAt > stableAfterMs) backoff.reset();
    this.#onExit(spec.name, how);
    const timer = setTimeout(() => {
      this.#timers.delete(spec.name);
      this.start(spec);
    }, backoff.next());
    this.#timers.set(spec.name, timer);
  }

  #openLog(name: string): number {
    const path = this.logFile(name);
    if (existsSync(path) && statSync(path).size > maxLogBytes) renameSync(path, `${path}.1`);
    return openSync(path, "a", 0o600);
  }

  #runFile(name: string): string {
    return join(this.#dir, "run", `${name}.json`);
  }
}

function pick(source: NodeJS.ProcessEnv, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (source[name] === undefined ? [] : [[name, source[name]]])));
}

/** When a process started, in clock ticks since boot (proc(5), field 22); undefined when there is none. Tells reused ids apart. */
export function startTime(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Signals every process of a group; a group that is gone already is fine. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid) process.kill(-pid, signal);
  } catch {
    // The group is gone: nothing is left to signal.
  }
}

function readRecord(path: string): { pid: number; startTime: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

async function untilGone(pid: number, started: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (startTime(pid) === started && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}
