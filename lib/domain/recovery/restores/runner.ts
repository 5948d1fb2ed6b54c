import { releaseRunnerName, takeRunnerName } from "../backups/runner-name.ts";
import type { RecoveryContext } from "../context.ts";
import { carryOutRestore } from "./carry-out.ts";
import { claimRestore } from "./claim.ts";

const restoresAtOnce = 2;

/** Carries out restores in this process, a few at a time. A pass takes what waits and does not wait for its end. */
export class RestoreRunner {
  readonly #context: RecoveryContext;
  readonly #name = takeRunnerName();
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(context: RecoveryContext) {
    this.#context = context;
  }

  async pass(): Promise<void> {
    while (this.#running.size < restoresAtOnce && !this.#abort.signal.aborted) {
      const claimed = await claimRestore(this.#context, this.#name);
      if (!claimed) return;
      const run: Promise<void> = carryOutRestore(this.#context, claimed, this.#abort.signal)
        .catch((error: unknown) => {
          // The database is away: when the heartbeat is old enough another process, or this one, takes it over.
          this.#context.logger.error({ err: error, restore: claimed.number }, "the end of a restore could not be written down");
        })
        .finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Resolves when nothing of what the passes have taken is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Gives back what is under way: another process goes on with it at once. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("Switchyard is being stopped."));
    await this.settled();
    releaseRunnerName(this.#name);
  }
}
