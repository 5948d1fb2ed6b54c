import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import { isAboutArchive } from "../backups/archives.ts";
import { Cancelled, ClaimLost, underHeartbeat } from "../backups/heartbeat.ts";
import { haveProven } from "../backups/queue-proof.ts";
import type { RecoveryContext } from "../context.ts";
import { Journal } from "./claim.ts";
import { Instant } from "./instant.ts";
import { goBack, nextStep, type RunStep } from "./run.ts";
import { stepWork, type Work } from "./steps.ts";
import { modeOf, partsOf, runOf, type StoredRestore } from "./stored.ts";

/** A step that ends its process so often is given up: what was stopped has to be started again. */
const mostTries = 5;
/** For so long a step on the way forward is tried again while a system around it is away. */
const patienceMs = 60_000;
const retryMs = 2_000;

/**
 * Carries out a restore that this process has claimed, step by step. What fails, or is called off, is taken back; what was stopped is
 * started again in any case, however long the cluster is away. What a killed process left goes on here. Rejects with nothing but faults
 * of the database.
 */
export async function carryOutRestore(context: RecoveryContext, claimed: StoredRestore, signal: AbortSignal): Promise<void> {
  const journal = new Journal(context, claimed);
  const instant = new Instant();
  const beat = () => journal.beat();
  const walk = (until: AbortSignal) => walkOn({ context, journal, signal: until, instant });
  try {
    await journal.change((run) => ({ ...run, tries: run.tries + 1 }));
    if (journal.run.problem === null) {
      const failure = await underHeartbeat({ beat, signal }, walk).then(
        () => null,
        (error: unknown) => error as Error,
      );
      if (failure instanceof ClaimLost || signal.aborted) throw failure;
      if (isAboutArchive(failure)) await haveProven(context, claimed.backup);
      if (failure) await turnBack(context, journal, failure);
    }
    if (journal.run.problem !== null) await underHeartbeat({ beat, signal }, walk);
    await finish(context, journal);
  } catch (error) {
    if (error instanceof ClaimLost) return context.logger.warn({ restore: claimed.number }, error.message);
    if (!signal.aborted) throw error;
    await journal.release();
  } finally {
    await instant.close().catch((error: unknown) => context.logger.warn({ err: error }, "a scratch server could not be removed"));
  }
}

async function turnBack({ clock, logger }: RecoveryContext, journal: Journal, error: Error): Promise<void> {
  const isCancelled = error instanceof Cancelled;
  if (!isCancelled) logger.error({ err: error, restore: journal.row.number }, "a restore failed");
  await journal.change((run) => goBack(run, modeOf(journal.row), { message: error.message, isCancelled }, clock()));
}

async function walkOn(work: Work): Promise<void> {
  const { journal } = work;
  const { tries, problem } = journal.run;
  if (problem === null && tries > mostTries) {
    throw new Error(`Its process ended ${mostTries} times in the same step: look at the controller's log.`);
  }
  for (let step = nextStep(journal.run); step !== null; step = nextStep(journal.run)) {
    await journal.begin(step.key);
    await journal.end(step.key, await doStep(work, step));
  }
}

/** On the way back a step that cannot be done is recorded, and the next one is done all the same. */
async function doStep(work: Work, { key }: RunStep): Promise<Pick<RunStep, "state" | "message">> {
  const isBack = work.journal.run.problem !== null;
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return { state: "done", message: await stepWork[key](work) };
    } catch (error) {
      if (work.signal.aborted || error instanceof ClaimLost) throw error;
      const isWorthWaiting = isUnavailable(error) && (isBack || performance.now() < until);
      if (!isWorthWaiting && !isBack) throw error;
      work.context.logger.warn({ err: error, step: key }, "a step of a restore failed");
      const { message } = error as Error;
      if (!isWorthWaiting) return { state: "failed", message };
      await work.journal.say(key, `${message} It is tried again.`);
      await sleep(retryMs, undefined, { signal: work.signal });
    }
  }
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === "unavailable";
  return error instanceof DomainError && error.code.endsWith("-unavailable");
}

/** What came back has no backup of its own: the plan's next one is due now. */
async function haveSaved({ db, clock }: RecoveryContext, { subject }: StoredRestore): Promise<void> {
  await db.backupPlan.updateMany({ where: { subject, nextBackupAt: { not: null } }, data: { nextBackupAt: clock() } });
}

async function finish(context: RecoveryContext, journal: Journal): Promise<void> {
  const { row, run } = journal;
  const { problem, steps } = run;
  if (problem === null) {
    if (row.mode === "in-place") await haveSaved(context, row);
    return journal.finish("completed", describeDone(row));
  }
  const failed = steps.filter(({ key, state }) => (key === "take-back" || key === "start") && state === "failed");
  const left = failed.map(({ message }) => sentence(message ?? "")).join(" ");
  if (left) return journal.finish("failed", `${sentence(problem.message)} It could not all be taken back: ${left}`);
  const tail = describeLeft(row, steps);
  return journal.finish(problem.isCancelled ? "cancelled" : "failed", `${sentence(problem.message)} ${tail}`);
}

/** What programs and drivers say ends as it happens. */
function sentence(text: string): string {
  return /[.!?]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
}

const words: Record<string, string> = { postgres: "PostgreSQL", redis: "Redis", objects: "the Kubernetes objects" };

function describeDone(row: StoredRestore): string {
  const names = partsOf(row).map((part) => words[part] ?? part);
  const [first = "", ...rest] = names;
  const list = rest.length > 0 ? `${[first, ...rest.slice(0, -1)].join(", ")} and ${rest.at(-1)}` : first;
  const what = `${list[0]?.toUpperCase() ?? ""}${list.slice(1)}`;
  const verb = names.length > 1 || row.parts === null || list.endsWith("objects") ? "are" : "is";
  const { untilTime } = runOf(row);
  const takenAt = row.backup.takenAt?.toISOString() ?? "the backup";
  const as_ =
    untilTime && names.length > 1 ? `PostgreSQL as of ${untilTime}, the rest as of ${takenAt}` : `as of ${untilTime ?? takenAt}`;
  if (row.mode === "scratch" && untilTime) return `PostgreSQL can be restored ${as_}: it was, in scratch. Scratch is removed.`;
  if (row.mode === "scratch")
    return `${what} ${verb} restorable: the answers in scratch were those of the backup. Scratch is removed.`;
  if (row.mode === "namespace") return `${what} ${verb} in ${row.intoNamespace}, ${as_}.`;
  return `${what} ${verb} back, ${as_}.`;
}

function describeLeft({ mode, intoNamespace }: StoredRestore, steps: readonly RunStep[]): string {
  if (mode === "scratch") return "Scratch is removed.";
  if (mode === "namespace") return `What was made in ${intoNamespace} is still there.`;
  return steps.some(({ key, state }) => key === "take-back" && state === "done")
    ? "All is as it was before."
    : "Nothing was changed.";
}
