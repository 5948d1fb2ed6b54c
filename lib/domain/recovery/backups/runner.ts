import type { Backup } from "#lib/database/generated/client.ts";
import type { RecoveryContext } from "../context.ts";
import { claimBackup } from "./claim.ts";
import { carryOutProof, claimProof } from "./proofs.ts";
import { carryOutBackup } from "./run.ts";
import { releaseRunnerName, takeRunnerName } from "./runner-name.ts";
import { hasEnded } from "./states.ts";

const backupsAtOnce = 2;
const proofsAtOnce = 1;

/** Makes and proves backups in this process, a few at a time. A pass takes what waits and does not wait for its end. */
export class BackupRunner {
  readonly #context: RecoveryContext;
  readonly #onEnded: (backup: Backup) => void;
  readonly #name = takeRunnerName();
  readonly #abort = new AbortController();
  readonly #backups = new Set<Promise<void>>();
  readonly #proofs = new Set<Promise<void>>();

  /** `onEnded` is told of every backup that this process brings to an end. */
  constructor(context: RecoveryContext, onEnded: (backup: Backup) => void = () => {}) {
    this.#context = context;
    this.#onEnded = onEnded;
  }

  async pass(): Promise<void> {
    const { signal } = this.#abort;
    await this.#fill(this.#backups, backupsAtOnce, async () => {
      const backup = await claimBackup(this.#context, this.#name);
      return backup && (() => this.#make(backup));
    });
    await this.#fill(this.#proofs, proofsAtOnce, async () => {
      const proof = await claimProof(this.#context, this.#name);
      return proof && (() => carryOutProof(this.#context, proof, signal));
    });
  }

  /** Resolves when nothing of what the passes have taken is under way. */
  async settled(): Promise<void> {
    while (this.#backups.size + this.#proofs.size > 0) await Promise.all([...this.#backups, ...this.#proofs]);
  }

  /** Gives back what is under way: another process goes on with it at once. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("Switchyard is being stopped."));
    await this.settled();
    releaseRunnerName(this.#name);
  }

  async #make(claimed: Backup): Promise<void> {
    await carryOutBackup(this.#context, claimed, this.#abort.signal);
    const backup = await this.#context.db.backup.findUnique({ where: { id: claimed.id } });
    if (backup && hasEnded(backup)) this.#onEnded(backup);
  }

  async #fill(running: Set<Promise<void>>, most: number, claim: () => Promise<(() => Promise<void>) | null>): Promise<void> {
    while (running.size < most && !this.#abort.signal.aborted) {
      const work = await claim();
      if (!work) return;
      const run: Promise<void> = work()
        .catch((error: unknown) => {
          // The database is away: when the heartbeat is old enough another process, or this one, takes it over.
          this.#context.logger.error({ err: error }, "the end of a run could not be written down");
        })
        .finally(() => running.delete(run));
      running.add(run);
    }
  }
}
