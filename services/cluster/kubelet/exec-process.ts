import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type { ExecEnd } from "./exec-protocol.ts";
import { childOf, ProcessTree } from "./process-table.ts";
import { toExit } from "./signals.ts";

export type ExecSettings = {
  /** The command that enters the container and becomes the wanted one; descriptor 3 tells when there is no such program. */
  command: string[];
  env: Record<string, string>;
  tty: boolean;
};

/** A command that runs inside a container, beside its own process: with pipes, or on a terminal of its own. */
export class ExecProcess {
  readonly ended: Promise<ExecEnd>;
  readonly #child: ChildProcess;
  readonly #tty: boolean;
  #terminal: string | undefined;

  constructor({ command, env, tty }: ExecSettings) {
    this.#tty = tty;
    const [file = "", ...args] = tty ? onTerminal(command, env) : command;
    this.#child = spawn(file, args, {
      cwd: "/",
      env: (tty ? { TERM: "xterm", ...env, SHELL: "/bin/sh" } : env) as NodeJS.ProcessEnv,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
    this.stdin.on("error", () => {});
    this.ended = this.#untilEnd();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdin(): Writable {
    return this.#child.stdio[0] as Writable;
  }

  get stdout(): Readable {
    return this.#child.stdio[1] as Readable;
  }

  get stderr(): Readable {
    return this.#child.stdio[2] as Readable;
  }

  /** Ends the command and everything that it started. */
  kill(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const tree = new ProcessTree();
    tree.refresh();
    for (const pid of tree.below([this.#child.pid])) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {}
    }
  }

  /** Sets the size of the terminal; the kernel tells the programs on it. */
  resize(columns: number, rows: number): void {
    this.#terminal ??= this.#findTerminal();
    if (!this.#terminal) return;
    const stty = spawn("/bin/stty", ["-F", this.#terminal, "cols", `${columns}`, "rows", `${rows}`], { stdio: "ignore" });
    stty.on("error", () => {});
  }

  #findTerminal(): string | undefined {
    const shell = this.#tty && this.#child.pid !== undefined ? childOf(this.#child.pid) : undefined;
    try {
      const path = readlinkSync(`/proc/${shell}/fd/0`);
      return /^\/dev\/pts\/\d+$/.test(path) ? path : undefined;
    } catch {
      return undefined;
    }
  }

  async #untilEnd(): Promise<ExecEnd> {
    const said = text(this.#child.stdio[3] as Readable).catch(() => "");
    try {
      const [code, signal] = (await once(this.#child, "exit")) as [number | null, NodeJS.Signals | null];
      const why = /^command (.*)$/m.exec(await said)?.[1];
      return why ? { failure: `failed to exec in container: ${why}` } : { exitCode: toExit(code, signal).exitCode };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** `script` gives the command a pseudo terminal and passes its exit code on. It runs its command with SHELL. */
function onTerminal(command: string[], { SHELL }: Record<string, string>): string[] {
  const shell = SHELL === undefined ? "unset SHELL" : `SHELL=${quote(SHELL)}`;
  return [
    "/usr/bin/script",
    "--quiet",
    "--flush",
    "--return",
    "--echo",
    "always",
    "--command",
    `${shell}; exec ${command.map(quote).join(" ")}`,
    "/dev/null",
  ];
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
