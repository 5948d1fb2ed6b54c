import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { LogFile } from "./logs.ts";
import { childOf, isAlive, type ProcessId, readStat } from "./process-table.ts";
import { execCommand, type Identity, type Person, type Sandbox, sandboxCommand } from "./sandbox.ts";

/** A container that could not be started: its root file system (FailedMount) or its command (StartError). */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
  readonly kind: "sandbox" | "command";

  constructor(kind: "sandbox" | "command", message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Exit = { exitCode: number; signal?: number };

export type ExecResult = { exitCode: number; output: string };

const startTimeoutMs = 30_000;

/**
 * A running container: a supervising `unshare` process, which dies with the kubelet, and below it the container's first process
 * in a PID namespace of its own. When that one ends, the kernel ends everything else in the namespace.
 */
export class ContainerProcess {
  readonly id = randomBytes(32).toString("hex");
  readonly startedAt = new Date();
  readonly log: LogFile;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #identity: Identity;
  readonly #workingDir: string;
  readonly #person: Person;
  readonly #env: Record<string, string>;
  #main: ProcessId | undefined;
  #exit: Exit | undefined;

  private constructor(child: ChildProcess, sandbox: Sandbox, env: Record<string, string>, person: Person, log: LogFile) {
    this.#env = env;
    this.#child = child;
    this.#identity = sandbox.identity;
    this.#workingDir = sandbox.workingDir;
    this.#person = person;
    this.log = log;
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.#exit = toExit(code, signal);
        log.close();
        resolve(this.#exit);
      });
    });
  }

  /** Starts a container; rejects with StartFailure when it does not get as far as its command. */
  static async start(sandbox: Sandbox, env: Record<string, string>, logPath: string, person: Person): Promise<ContainerProcess> {
    const [file = "", ...args] = sandboxCommand(sandbox, person);
    const child = spawn(file, args, {
      cwd: "/",
      env: env as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
    });
    const log = new LogFile(logPath);
    const container = new ContainerProcess(child, sandbox, env, person, log);
    const spawnError = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new StartFailure("sandbox", `cannot run ${file}: ${error.message}`)));
    });
    // Without these listeners a rejection that nobody awaits any more would end the kubelet.
    spawnError.catch(() => {});
    const said = firstLine(child.stdio[3] as Readable);
    if (child.stdout) log.capture(child.stdout, "stdout");
    const errors = child.stderr ? collectErrors(child.stderr) : () => "";
    if (child.stderr) log.capture(child.stderr, "stderr");
    const timer = setTimeout(() => container.kill(), startTimeoutMs);
    try {
      const line = await Promise.race([said, spawnError]);
      if (line === "ok") return container;
      container.kill();
      const { exitCode } = await Promise.race([container.exited, spawnError]);
      const [, kind, why] = /^(command|sandbox) (.*)$/.exec(line) ?? [];
      if (kind === "command" && why) throw new StartFailure("command", why);
      throw new StartFailure("sandbox", why || errors() || `the container's sandbox ended with exit code ${exitCode}`);
    } catch (error) {
      log.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** The supervising process, to find it again after the kubelet was killed. */
  get supervisor(): ProcessId | undefined {
    const stat = this.#child.pid === undefined ? undefined : readStat(this.#child.pid);
    return stat && { pid: stat.pid, startTime: stat.startTime };
  }

  /** The container's first process, as the host sees it. */
  get mainPid(): number | undefined {
    if (!this.running || this.#child.pid === undefined) return undefined;
    if (!this.#main || !isAlive(this.#main)) {
      const stat = readStat(childOf(this.#child.pid) ?? 0);
      this.#main = stat && { pid: stat.pid, startTime: stat.startTime };
    }
    return this.#main?.pid;
  }

  /** The processes that the container's other processes descend from, as the host sees them. */
  get roots(): number[] {
    const main = this.mainPid;
    return main === undefined ? [] : [main];
  }

  terminate(signal: NodeJS.Signals): void {
    this.#signal(signal);
  }

  kill(): void {
    this.#signal("SIGKILL");
    // The supervisor too: before the container's first process exists, it is all there is.
    if (this.running) this.#child.kill("SIGKILL");
  }

  /** Runs a command inside the container. The whole command is ended after `timeoutMs`; its exit code is then 124. */
  exec(command: string[], timeoutMs: number): Promise<ExecResult> {
    const supervisorPid = this.#child.pid ?? 0;
    const target = { supervisorPid, identity: this.#identity, workingDir: this.#workingDir };
    const [file = "", ...args] = execCommand(target, command, this.#person);
    return runToEnd(file, args, this.#env, timeoutMs);
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.mainPid;
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch {}
  }
}

const maxOutputBytes = 10 * 1024;

function runToEnd(file: string, args: string[], env: Record<string, string>, timeoutMs: number): Promise<ExecResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: "/",
      env: env as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let timedOut = false;
    const collect = (chunk: Buffer) => {
      if (output.length < maxOutputBytes) output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const timer = setTimeout(() => {
      timedOut = true;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {}
    }, timeoutMs);
    const done = (exitCode: number) => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ exitCode: timedOut ? 124 : exitCode, output: output.slice(0, maxOutputBytes) });
    };
    child.once("error", (error) => {
      output = error.message;
      done(126);
    });
    // Not "close": a grandchild in the background may keep the pipes open.
    child.once("exit", (code, signal) => setImmediate(() => done(toExit(code, signal).exitCode)));
  });
}

function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    stream.on("end", () => resolve(text.trim()));
    stream.on("error", () => resolve(text.trim()));
  });
}

function collectErrors(stream: Readable): () => string {
  let text = "";
  const collect = (chunk: Buffer) => {
    text += chunk.toString();
    if (text.length > 500) stream.off("data", collect);
  };
  stream.on("data", collect);
  return () => text.trim().slice(0, 500);
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** A process's end as Kubernetes reports it: 128 + signal for a process that a signal ended. */
export function toExit(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (signal === null) return { exitCode: code ?? 255 };
  const number = signalNumbers[signal] ?? 0;
  return { exitCode: 128 + number, signal: number };
}
