import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import type { Writable } from "node:stream";

/** A program to run. It gets these variables beside PATH and TZ, and no others of this process. */
export type ProgramOptions = {
  command: string;
  args: string[];
  /** Secrets go here, never into `args`, which everybody on the machine can read. */
  env?: Record<string, string>;
  cwd?: string;
  /** What it reads; nothing by default. When it ends well without reading to the end, the rest is read and dropped. */
  input?: AsyncIterable<Uint8Array>;
  /** Ends the program and what it started. */
  signal?: AbortSignal;
};

/** A program that could not be started or did not end well. The message names it and repeats the end of what it said. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  readonly program: string;
  /** Null when a signal ended it, or when it did not start. */
  readonly exitCode: number | null;
  /** The end of its standard error, at most 4,000 characters; of its output where it wrote nothing there. */
  readonly stderr: string;

  constructor(program: string, exitCode: number | null, stderr: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.program = program;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const maxStderr = 4_000;
/** What a program has not taken yet: it is not to wait for the next piece to be read and opened. */
const readAheadBytes = 1024 * 1024;
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * Runs a program and gives what it writes, at the reader's pace. Throws ProgramError at the end of it when it did not end well, and
 * the input's own error when that failed. A reader that stops early ends it. The kernel ends it when this process is killed.
 */
export async function* streamProgram(options: ProgramOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const running = new Running(options);
  try {
    yield* running.output();
    await running.ended();
  } finally {
    await running.kill();
  }
}

/** Runs a program to its end. Resolves to what it wrote, at most 16 MiB, and to the end of what it said. Throws as streamProgram. */
export async function runProgram(options: ProgramOptions): Promise<{ stdout: string; stderr: string }> {
  const running = new Running(options);
  try {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of running.output()) {
      bytes += piece.length;
      if (bytes > maxOutputBytes) throw new Error(`${basename(options.command)} wrote more than ${maxOutputBytes} bytes.`);
      pieces.push(piece);
    }
    const stdout = Buffer.concat(pieces).toString();
    await running.ended(stdout);
    return { stdout, stderr: running.stderr };
  } finally {
    await running.kill();
  }
}

/** A command that the kernel kills when the process that starts it is gone. */
export function bound(command: string, args: string[]): { command: string; args: string[] } {
  return { command: "setpriv", args: ["--pdeathsig", "KILL", "--", command, ...args] };
}

/** Kills a process group; one that is gone already is fine. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone: nothing is left to kill.
  }
}

class Running {
  readonly #options: ProgramOptions;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #fed: Promise<void>;
  readonly #end = () => killGroup(this.#child);
  #isOver = false;
  #startError: Error | undefined;
  #inputError: { error: unknown } | undefined;
  stderr = "";

  constructor(options: ProgramOptions) {
    const { command, args, env, cwd, input, signal } = options;
    signal?.throwIfAborted();
    this.#options = options;
    const started = bound(command, args);
    const given: Record<string, string | undefined> = { PATH: process.env.PATH, TZ: process.env.TZ, LC_ALL: "C.UTF-8", ...env };
    this.#child = spawn(started.command, started.args, {
      cwd: cwd ?? "/",
      env: given as NodeJS.ProcessEnv,
      // A group of its own: what the program started is ended with it.
      detached: true,
      stdio: [input ? "pipe" : "ignore", "pipe", "pipe"],
    });
    this.#closed = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#child.once("error", (error) => {
      this.#startError = error;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr = (this.stderr + text).slice(-maxStderr);
    });
    signal?.addEventListener("abort", this.#end, { once: true });
    this.#fed = input && this.#child.stdin ? this.#feed(this.#child.stdin, input) : Promise.resolve();
  }

  output(): AsyncIterable<Uint8Array> {
    if (!this.#child.stdout) throw new Error("a program's output is a pipe");
    return this.#child.stdout;
  }

  async ended(stdout = ""): Promise<void> {
    const { signal, command } = this.#options;
    await this.#closed;
    signal?.throwIfAborted();
    if (this.#inputError) throw this.#inputError.error;
    const { exitCode } = this.#child;
    if (this.#startError || exitCode !== 0) throw this.#failure(basename(command), stdout);
    await this.#fed;
    if (this.#inputError) throw (this.#inputError as { error: unknown }).error;
  }

  async kill(): Promise<void> {
    this.#isOver = true;
    this.#options.signal?.removeEventListener("abort", this.#end);
    killGroup(this.#child);
    this.#child.stdout?.destroy();
    await this.#closed;
  }

  /** Some programs write to their output what is wrong. */
  #failure(program: string, stdout: string): ProgramError {
    const { exitCode, signalCode } = this.#child;
    const said = this.stderr.trim() || stdout.slice(-maxStderr).trim();
    if (this.#startError) {
      return new ProgramError(program, null, said, `${program} could not be started: ${this.#startError.message}.`, {
        cause: this.#startError,
      });
    }
    if (exitCode === 127 && said.startsWith("setpriv:")) {
      return new ProgramError(
        program,
        null,
        said,
        `${program} is not installed on the machine that Switchyard's controller runs on.`,
      );
    }
    const how = exitCode === null ? `was ended by ${signalCode}` : `failed with exit code ${exitCode}`;
    return new ProgramError(program, exitCode, said, `${program} ${how}${said === "" ? "." : `: ${lastLines(said)}`}`);
  }

  async #feed(stdin: Writable, input: AsyncIterable<Uint8Array>): Promise<void> {
    // A program that has read enough closes its end.
    stdin.on("error", () => {});
    try {
      for await (const chunk of input) {
        if (this.#isOver || (this.#child.exitCode ?? 0) !== 0 || this.#child.signalCode !== null) return;
        if (stdin.writable && !stdin.write(chunk) && stdin.writableLength > readAheadBytes) await drained(stdin);
      }
      stdin.end();
    } catch (error) {
      this.#inputError = { error };
      // Killed, never closed: the end of its input would tell psql to commit.
      killGroup(this.#child);
    }
  }
}

async function drained(stdin: Writable): Promise<void> {
  if (stdin.closed) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(stdin, "drain", { signal }), once(stdin, "close", { signal })]).catch(() => {});
  settled.abort();
}

function lastLines(text: string): string {
  return text.split("\n").slice(-6).join("\n");
}
