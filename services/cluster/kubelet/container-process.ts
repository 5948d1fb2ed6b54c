import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { ExecProcess } from "./exec-process.ts";
import { LogFile } from "./logs.ts";
import { closeDescriptors, makePipes } from "./pipes.ts";
import { childOf, isAlive, type ProcessId, readStat } from "./process-table.ts";
import { execCommand, type Identity, type Person, type Sandbox, sandboxCommand } from "./sandbox.ts";
import { type Exit, toExit } from "./signals.ts";

/** A container that could not be started: its root file system (FailedMount) or its command (StartError). */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
  readonly kind: "sandbox" | "command";

  constructor(kind: "sandbox" | "command", message: string) {
    super(message);
    this.kind = kind;
  }
}

export type ExecResult = { exitCode: number; output: string };

const startTimeoutMs = 30_000;
const maxOutputBytes = 10 * 1024;

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
  readonly #opened = new Set<ExecProcess>();
  #main: ProcessId | undefined;
  #exit: Exit | undefined;

  private constructor(
    child: ChildProcess,
    streams: Readable[],
    { sandbox, env, person }: { sandbox: Sandbox; env: Record<string, string>; person: Person },
    log: LogFile,
  ) {
    this.#env = env;
    this.#child = child;
    this.#identity = sandbox.identity;
    this.#workingDir = sandbox.workingDir;
    this.#person = person;
    this.log = log;
    this.exited = this.#untilEnd(streams);
  }

  /** Starts a container; rejects with StartFailure when it does not get as far as its command. */
  static async start(sandbox: Sandbox, env: Record<string, string>, logPath: string, person: Person): Promise<ContainerProcess> {
    const [file = "", ...args] = sandboxCommand(sandbox, person);
    const pipes = await makePipes(2);
    const child = spawn(file, args, {
      cwd: "/",
      env: env as NodeJS.ProcessEnv,
      stdio: ["ignore", ...pipes.map(({ descriptor }) => descriptor), "pipe"],
      detached: true,
    });
    closeDescriptors(pipes);
    const [stdout, stderr] = pipes.map(({ reader }) => reader) as [Readable, Readable];
    const log = new LogFile(logPath);
    const container = new ContainerProcess(child, [stdout, stderr], { sandbox, env, person }, log);
    const spawnError = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new StartFailure("sandbox", `cannot run ${file}: ${error.message}`)));
    });
    // Without these listeners a rejection that nobody awaits any more would end the kubelet.
    spawnError.catch(() => {});
    const said = firstLine(child.stdio[3] as Readable);
    log.capture(stdout, "stdout");
    const errors = collectErrors(stderr);
    log.capture(stderr, "stderr");
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

  /** The processes that all of the container's descend from: its first one, and commands that were brought in. */
  get roots(): number[] {
    const main = this.mainPid;
    return [...(main === undefined ? [] : [main]), ...[...this.#opened].flatMap(({ pid }) => pid ?? [])];
  }

  terminate(signal: NodeJS.Signals): void {
    this.#signal(signal);
  }

  kill(): void {
    this.#signal("SIGKILL");
    // The supervisor too: before the container's first process exists, it is all there is.
    if (this.running) this.#child.kill("SIGKILL");
  }

  /** Starts another command inside the container. */
  open(command: string[], tty: boolean): ExecProcess {
    const target = { supervisorPid: this.#child.pid ?? 0, identity: this.#identity, workingDir: this.#workingDir };
    const opened = new ExecProcess({ command: execCommand(target, command, this.#person), env: this.#env, tty });
    this.#opened.add(opened);
    void opened.ended.then(() => this.#opened.delete(opened));
    return opened;
  }

  /** Runs a command inside the container to its end. The whole command is ended after `timeoutMs`; its exit code is then 124. */
  async exec(command: string[], timeoutMs: number): Promise<ExecResult> {
    const opened = this.open(command, false);
    let output = "";
    let timedOut = false;
    const collect = (chunk: Buffer) => {
      if (output.length < maxOutputBytes) output += chunk.toString();
    };
    opened.stdin.end();
    opened.stdout.on("data", collect);
    opened.stderr.on("data", collect);
    const timer = setTimeout(() => {
      timedOut = true;
      opened.kill();
    }, timeoutMs);
    const end = await opened.ended;
    clearTimeout(timer);
    // Not until its pipes are closed: a grandchild in the background may keep them open.
    await new Promise((resolve) => setImmediate(resolve));
    opened.stdout.destroy();
    opened.stderr.destroy();
    if ("failure" in end) return { exitCode: 126, output: end.failure };
    return { exitCode: timedOut ? 124 : end.exitCode, output: output.slice(0, maxOutputBytes) };
  }

  /** The process has ended and everything that it wrote is in the log. */
  async #untilEnd(streams: Readable[]): Promise<Exit> {
    const ended = new Promise<Exit>((resolve) => {
      this.#child.once("exit", (code, signal) => resolve(toExit(code, signal)));
    });
    const written = streams.map((stream) => new Promise((resolve) => stream.once("close", resolve)));
    const exit = await ended;
    await Promise.all(written);
    this.#exit = exit;
    this.log.close();
    return exit;
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.mainPid;
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch {}
  }
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
