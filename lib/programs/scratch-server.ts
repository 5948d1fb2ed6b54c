import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { killGroup } from "./program.ts";
import type { ScratchFolder } from "./scratch.ts";

const defaultStartMs = 60_000;
const portTries = 5;
const keptLines = 30;

/** A server that runs until it is stopped; its process group is killed then: nothing in it is worth an orderly end. */
export type RunningServer = { port: number; stop(): Promise<void> };

export type ServerToStart = {
  /** For messages: "redis-server". */
  name: string;
  folder: ScratchFolder;
  /** The command for a port. It has to end with its parent (see `bound`). */
  command: (port: number) => { command: string; args: string[] } | Promise<{ command: string; args: string[] }>;
  /** What it writes when it answers. */
  ready: RegExp;
  /** What it writes when somebody else has the port. */
  portTaken: RegExp;
  /** How long it may take until it answers: a minute by default; null for as long as it takes. */
  startMs?: number | null;
  /** Told every line that it writes. */
  onLine?: (line: string) => void;
  signal?: AbortSignal;
};

/** Starts a server on a free port of 127.0.0.1 and waits until it says that it is ready. Throws an Error with what it said. */
export async function startServer(server: ServerToStart): Promise<RunningServer> {
  for (let tries = 1; ; tries += 1) {
    const port = await findPort();
    const { command, args } = await server.command(port);
    server.signal?.throwIfAborted();
    const env: Record<string, string | undefined> = { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C.UTF-8" };
    const child = spawn(command, args, {
      cwd: "/",
      env: env as NodeJS.ProcessEnv,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = new Promise<void>((resolve) => {
      child.once("error", () => resolve());
      // Not "exit": what it said last is read by then.
      child.once("close", () => resolve());
    });
    const stop = async () => {
      killGroup(child);
      await exited;
    };
    try {
      if (child.pid) await server.folder.keepServer(child.pid);
      await untilReady(child, exited, server);
      return { port, stop };
    } catch (error) {
      await stop();
      const isTaken = error instanceof Error && server.portTaken.test(error.message);
      if (!isTaken || tries === portTries) throw error;
    }
  }
}

/** Lines are read for as long as it runs: a server whose pipe is full stands still. */
async function untilReady(child: ChildProcess, exited: Promise<void>, server: ServerToStart): Promise<void> {
  const { name, ready, startMs = defaultStartMs, onLine, signal } = server;
  const lines: string[] = [];
  const isReady = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
        onLine?.(line);
        if (ready.test(line)) resolve();
      });
    }
  });
  const timeout = startMs === null ? null : AbortSignal.timeout(startMs);
  const given = AbortSignal.any([signal, timeout].filter((one) => one != null));
  const aborted = new Promise<never>((_, reject) => given.addEventListener("abort", () => reject(given.reason), { once: true }));
  const ended = exited.then(() => {
    throw new Error(`${name} has ended: ${lines.join("\n")}`);
  });
  try {
    await Promise.race([isReady, ended, aborted]);
  } catch (error) {
    if (timeout?.aborted) throw new Error(`${name} did not start within ${(startMs ?? 0) / 1000} s: ${lines.join("\n")}`);
    throw error;
  }
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
