import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import { isAnythingOpen } from "#lib/domain/recovery/open-work.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import { controllerOptions, streamEnvironment } from "#lib/runtime/node-options.ts";

export type EndedBackup = { namespace: string; service: string; result: string };

/** What the recovery process says: that a backup has come to its end, or that one of its loops has come round. */
export type RecoveryMessage = { kind: "ended"; backup: EndedBackup } | { kind: "round"; loop: RecoveryLoop };
export type RecoveryLoop = (typeof recoveryLoops)[number];
const recoveryLoops = ["backups", "restores"] as const;

type Options = {
  /** Told of every backup that comes to its end. */
  onEnded: (backup: EndedBackup) => void;
  /** How long it stays when nothing is open any more. */
  idleMs?: number;
  fork?: () => ChildProcess;
};

const script = fileURLToPath(new URL("./recovery-main.ts", import.meta.url));
const stableAfterMs = 5_000;
const silentAfterMs = 60_000;
const stopTimeoutMs = 12_000;

type Running = { child: ChildProcess; startedAt: number; rounds: Record<RecoveryLoop, number>; ended: Promise<void> };

/**
 * Keeps the recovery process (recovery-main.ts) running while a backup, a proof or a restore is open, and for a while after. It is
 * started once with the controller, so that one that cannot run is known before it is needed.
 */
export class RecoveryProcess {
  readonly #context: Pick<RecoveryContext, "db" | "logger">;
  readonly #options: Required<Options>;
  readonly #backoff = new Backoff({ initialMs: 500, maxMs: 10_000, jitter: 0.2 });
  #running: Running | null = null;
  #neededAt = performance.now();
  #notBefore = 0;
  /** How it last ended by itself, until another one has lived for a while. */
  #failure: string | null = null;

  constructor(context: Pick<RecoveryContext, "db" | "logger">, options: Options) {
    this.#context = context;
    this.#options = { idleMs: 30_000, fork: forkRecovery, ...options };
  }

  /** Starts or stops it as there is need. Throws while it does not stay alive, and when it lives and does nothing. */
  async pass(): Promise<void> {
    const now = performance.now();
    if ((await isAnythingOpen(this.#context)) || this.#failure !== null) this.#neededAt = now;
    if (now - this.#neededAt > this.#options.idleMs) return this.stop();
    if (!this.#running && now >= this.#notBefore) this.#start();
    const running = this.#running;
    if (running && now - running.startedAt > stableAfterMs) this.#failure = null;
    if (this.#failure !== null) throw new Error(this.#failure);
    const silent = recoveryLoops.find((loop) => running && now - running.rounds[loop] > silentAfterMs);
    if (silent) throw new Error(`The process that makes backups and restores has not looked for ${silent} for a minute.`);
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
    const child = this.#options.fork();
    const startedAt = performance.now();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const onEnd = (how: string) => {
      resolve();
      this.#ended(child, how);
    };
    child.once("error", (error) => onEnd(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => onEnd(signal ? `was ended by ${signal}` : `exited with ${code}`));
    const rounds = { backups: startedAt, restores: startedAt };
    child.on("message", (message: RecoveryMessage) => {
      if (message.kind === "ended") this.#options.onEnded(message.backup);
      else rounds[message.loop] = performance.now();
    });
    this.#running = { child, startedAt, rounds, ended };
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

export function forkRecovery(): ChildProcess {
  return fork(script, { execArgv: [...process.execArgv, ...controllerOptions], env: { ...process.env, ...streamEnvironment } });
}
