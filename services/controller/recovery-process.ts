import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import { isAnythingOpen } from "#lib/domain/recovery/open-work.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import { controllerOptions } from "./node-options.ts";

/** What the recovery process tells of each backup that it brings to an end. */
export type EndedBackup = { namespace: string; service: string; result: string };

const script = fileURLToPath(new URL("./recovery-main.ts", import.meta.url));
const idleMs = 30_000;
const stableAfterMs = 5_000;
const stopTimeoutMs = 12_000;

type Running = { child: ChildProcess; startedAt: number; ended: Promise<unknown> };

/**
 * Keeps the recovery process (recovery-main.ts) running while a backup, a proof or a restore is open, and for half a minute after. It is
 * started once with the controller, so that one that cannot run is known before it is needed.
 */
export class RecoveryProcess {
  readonly #context: Pick<RecoveryContext, "db" | "logger">;
  readonly #onEnded: (backup: EndedBackup) => void;
  readonly #backoff = new Backoff({ initialMs: 500, maxMs: 10_000, jitter: 0.2 });
  #running: Running | null = null;
  #neededAt = performance.now();
  #notBefore = 0;
  #failure: string | null = null;

  constructor(context: Pick<RecoveryContext, "db" | "logger">, onEnded: (backup: EndedBackup) => void) {
    this.#context = context;
    this.#onEnded = onEnded;
  }

  /** Starts or stops it as there is need. Throws once for each time that it ended by itself. */
  async pass(): Promise<void> {
    if (await isAnythingOpen(this.#context)) this.#neededAt = performance.now();
    const isNeeded = performance.now() - this.#neededAt < idleMs;
    if (!isNeeded) await this.stop();
    else if (!this.#running && performance.now() >= this.#notBefore) this.#start();
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw new Error(failure);
  }

  /** It gives back what it has under way: another one, or the next, goes on with it. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    // A signal may have come to both of them already, and a second one would end it at once.
    if (running.child.connected) running.child.disconnect();
    const timer = setTimeout(() => running.child.kill("SIGKILL"), stopTimeoutMs);
    await running.ended;
    clearTimeout(timer);
  }

  #start(): void {
    const child = fork(script, { execArgv: ["--disable-warning=ExperimentalWarning", ...controllerOptions] });
    const startedAt = performance.now();
    this.#running = { child, startedAt, ended: once(child, "exit") };
    child.on("message", (backup) => this.#onEnded(backup as EndedBackup));
    child.once("error", (error) => this.#ended(child, `could not be started: ${error.message}`));
    child.once("exit", (code, signal) => this.#ended(child, signal ? `was ended by ${signal}` : `exited with ${code}`));
    this.#context.logger.info({ pid: child.pid }, "the recovery process is started");
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#running?.child !== child) return;
    if (performance.now() - this.#running.startedAt > stableAfterMs) this.#backoff.reset();
    this.#running = null;
    this.#notBefore = performance.now() + this.#backoff.next();
    this.#failure = `The process that makes backups and restores ${how}.`;
  }
}
