import { DomainError } from "../../errors.ts";
import { isRunnerGone } from "./runner-name.ts";

/** A run whose heartbeat is older than this has died with its process. */
export const deadAfterMs = 30_000;
const beatMs = 1_000;
/** A process that cannot write its heartbeat stops before another one takes its run over. */
const giveUpAfterMs = 20_000;

/** Whether who has claimed a run is gone, so that another process may take it over. */
export function isDead({ runner, heartbeatAt }: { runner: string | null; heartbeatAt: Date | null }, now: Date): boolean {
  return isRunnerGone(runner) || (heartbeatAt?.getTime() ?? 0) < now.getTime() - deadAfterMs;
}

/** Why a run that was claimed must end here. */
export class ClaimLost extends Error {
  override readonly name = "ClaimLost";
}

/** Somebody called the run off. */
export class Cancelled extends DomainError {
  readonly cancelledBy: string;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof DomainError && "cancelledBy" in value;
  }

  constructor(by: string) {
    super("precondition-failed", `Cancelled by ${by}.`);
    this.cancelledBy = by;
  }
}

type Options = {
  /** Writes that it lives, with how far it is. Throws ClaimLost or Cancelled when it must end. */
  beat: () => Promise<void>;
  /** Of the process: it stops. */
  signal: AbortSignal;
};

/**
 * Runs the work under a heartbeat once a second. The work's signal aborts when the process stops, when the run is called off, and when
 * another process may think it dead; the reason is then what the work rejects with.
 */
export async function underHeartbeat<T>({ beat, signal }: Options, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let isDone = false;
  let lastBeat = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const all = AbortSignal.any([signal, stop.signal]);

  async function next(): Promise<void> {
    try {
      await beat();
      lastBeat = performance.now();
    } catch (error) {
      if (error instanceof ClaimLost || error instanceof Cancelled) return stop.abort(error);
      if (performance.now() - lastBeat > giveUpAfterMs) {
        return stop.abort(new ClaimLost("The database has not taken a heartbeat for too long."));
      }
    }
    if (!isDone) schedule();
  }
  function schedule(): void {
    timer = setTimeout(() => {
      beating = next();
    }, beatMs);
  }
  let beating = Promise.resolve();
  schedule();
  try {
    return await work(all);
  } catch (error) {
    throw all.aborted ? all.reason : error;
  } finally {
    isDone = true;
    clearTimeout(timer);
    await beating;
    clearTimeout(timer);
  }
}
