import type { Prisma } from "#lib/database/client.ts";
import type { Restore } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { Cancelled, ClaimLost, isDead } from "../backups/heartbeat.ts";
import { openRestores } from "../backups/in-use.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { type RestoreRun, type RunStep, type StepKey, titleOf, withStep } from "./run.ts";
import { restoreParts, runOf, type StoredRestore } from "./stored.ts";

type Reader = Pick<RecoveryContext, "db" | "clock">;

/** Takes the restore that has waited longest, or one whose process has died; null when there is none. Nobody else gets the same one. */
export async function claimRestore({ db, clock }: Reader, runner: string): Promise<StoredRestore | null> {
  const now = clock();
  const rows = await db.restore.findMany({ where: openRestores, orderBy: { createdAt: "asc" }, take: 100 });
  const free = rows.filter((row) => row.runner === null || isDead(row, now));
  for (const { id, runner: before, heartbeatAt, state, startedAt } of free) {
    const { count } = await db.restore.updateMany({
      where: { id, runner: before, heartbeatAt, state },
      data: { runner, heartbeatAt: now, state: "running", startedAt: startedAt ?? now },
    });
    if (count === 1) return db.restore.findUniqueOrThrow({ where: { id }, include: restoreParts });
  }
  return null;
}

/** What a process writes of the restore that it has claimed. Every write throws ClaimLost when another process has it. */
export class Journal {
  readonly #context: Reader;
  readonly #row: StoredRestore;
  #run: RestoreRun;
  #safetyBackupId: string | null;
  #changes: Promise<void> = Promise.resolve();

  constructor(context: Reader, row: StoredRestore) {
    this.#context = context;
    this.#row = row;
    this.#run = runOf(row);
    this.#safetyBackupId = row.safetyBackupId;
  }

  get row(): StoredRestore {
    return { ...this.#row, safetyBackupId: this.#safetyBackupId };
  }

  get run(): RestoreRun {
    return this.#run;
  }

  /** That it lives. Throws Cancelled when somebody has called it off and it does not go back yet. */
  async beat(): Promise<void> {
    const row = await this.#write({ heartbeatAt: this.#context.clock() });
    if (row.cancelledByName !== null && this.#run.problem === null) throw new Cancelled(row.cancelledByName);
  }

  async begin(key: StepKey): Promise<void> {
    const now = this.#context.clock().toISOString();
    const begin = (run: RestoreRun) => {
      const startedAt = run.steps.find((step) => step.key === key)?.startedAt ?? now;
      return withStep(run, key, { state: "running", startedAt });
    };
    await this.change(begin, { message: `${titleOf(key)}.` });
  }

  async say(key: StepKey, message: string): Promise<void> {
    const isUnderWay = (run: RestoreRun) => run.steps.some((step) => step.key === key && step.state === "running");
    await this.change((run) => (isUnderWay(run) ? withStep(run, key, { message }) : run));
  }

  async end(key: StepKey, change: Pick<RunStep, "state" | "message">): Promise<void> {
    const finishedAt = this.#context.clock().toISOString();
    await this.change((run) => ({ ...withStep(run, key, { ...change, finishedAt }), tries: 1 }));
  }

  /** Changes follow each other: what is said of a step never overtakes its end. */
  async change(update: (run: RestoreRun) => RestoreRun, data: Prisma.RestoreUncheckedUpdateManyInput = {}): Promise<void> {
    const earlier = this.#changes;
    const own = (async () => {
      await earlier.catch(() => {});
      const run = update(this.#run);
      await this.#write({ ...data, run: toJson(run) });
      this.#run = run;
    })();
    this.#changes = own;
    await own;
  }

  async keepChecks(checks: RecoveryCheck[]): Promise<void> {
    await this.#write({ checks: toJson(checks) });
  }

  /** The backup of the present that this restore waits for and may go back to. */
  keepSafetyBackup(id: string): void {
    this.#safetyBackupId = id;
  }

  async finish(state: "completed" | "failed" | "cancelled", message: string): Promise<void> {
    const finishedAt = this.#context.clock();
    await this.#write({ state, message, finishedAt, runner: null, heartbeatAt: null, activeKey: null });
  }

  /** Gives it back when the process stops: another one goes on at once, and this try does not count. */
  async release(): Promise<void> {
    await this.change((run) => ({ ...run, tries: run.tries - 1 }), { runner: null, heartbeatAt: null });
  }

  async #write(data: Prisma.RestoreUncheckedUpdateManyInput): Promise<Restore> {
    const { id, runner } = this.#row;
    const [row] = await this.#context.db.restore.updateManyAndReturn({ where: { id, runner }, data });
    if (!row) throw new ClaimLost("Another process has taken the restore over.");
    return row;
  }
}
