import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backup } from "#lib/database/generated/client.ts";
import { transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { refuseDuringRollout } from "../../rollouts/start/waits.ts";
import { findManifest, openArchive } from "../backups/archives.ts";
import { Examination } from "../backups/examine.ts";
import { readContents } from "../backups/plans.ts";
import { queueBackup } from "../backups/queue.ts";
import { backupName, hasEnded, isGood, isRestorable } from "../backups/states.ts";
import { subjectOf } from "../backups/subjects.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { describeFacts, describeUnlogged } from "../sources/postgres-comparison.ts";
import { dropFormer, findFormer } from "../sources/postgres-restore.ts";
import type { Journal } from "./claim.ts";
import { compareAll, putBackDump, putBackObjects, putBackPostgres, putBackRedis, type Source } from "./data-steps.ts";
import { type Instant, refuseUnreachable } from "./instant.ts";
import { postgresPlace, redisPlace } from "./places.ts";
import { type StepKey, touchedSteps } from "./run.ts";
import { startWorkloads, stopWorkloads } from "./stopping.ts";
import { modeOf, partsOf, restoreName } from "./stored.ts";
import { takeBack } from "./take-back.ts";
import { type DataPlace, findWriters } from "./writers.ts";

export type Work = { context: RecoveryContext; journal: Journal; signal: AbortSignal; instant: Instant };

const pollMs = 500;

/** Every step of a restore: does it, also when an earlier try has done a part of it, and says what it did. */
export const stepWork: Record<StepKey, (work: Work) => Promise<string>> = {
  check: checkArchive,
  prove: proveInScratch,
  save: savePresent,
  recover,
  stop: stopWriters,
  async postgres(work) {
    const { row, run } = work.journal;
    const source = sourceOf(work, "postgres");
    const { how, message } =
      run.untilTime && run.recovered
        ? await putBackDump(source, { dump: work.instant.dump(source, run.untilTime), facts: run.recovered, tag: row.id })
        : await putBackPostgres(source, row.id);
    return how === "already" ? "An earlier try had restored it." : message;
  },
  async redis(work) {
    return (await putBackRedis(sourceOf(work, "redis"))).message;
  },
  async objects(work) {
    const { journal } = work;
    const startsLater = journal.run.steps.some(({ key }) => key === "start");
    return putBackObjects(sourceOf(work, "objects"), {
      stopped: startsLater ? (journal.run.stopped ?? []) : null,
      onStopped: (stopped) => journal.change((run) => ({ ...run, stopped })),
    });
  },
  compare,
  async "take-back"({ context, journal, signal }) {
    const { row, run } = journal;
    const safety = row.safetyBackupId ? await context.db.backup.findUnique({ where: { id: row.safetyBackupId } }) : null;
    return takeBack({ source: { context, row, signal }, safety, touched: touchedSteps(run), stopped: run.stopped ?? [] });
  },
  async start({ context, journal }) {
    const stopped = journal.run.stopped ?? [];
    const missing = await startWorkloads(context.kubernetes, stopped);
    const started = stopped.map(({ namespace, name, replicas }) => `${namespace}/${name} (${replicas})`);
    if (missing.length > 0) return `Gone meanwhile, and not started: ${missing.join(", ")}.`;
    return started.length > 0 ? `Started, and not waited for: ${started.join(", ")}.` : "Nothing was stopped.";
  },
  clean,
};

function sourceOf({ context, journal, signal }: Work, key: StepKey): Source {
  const { row } = journal;
  // Progress is for people: one that could not be written is followed by another.
  let saidAt = 0;
  const onProgress = (message: string) => {
    const now = performance.now();
    if (now - saidAt < 1_000) return;
    saidAt = now;
    journal.say(key, message).catch(() => {});
  };
  return { context, row, backup: row.backup, signal, onProgress };
}

async function checkArchive({ context, journal, signal }: Work): Promise<string> {
  const { row, run } = journal;
  if (run.untilTime) await refuseUnreachable({ context, row, backup: row.backup }, run.untilTime);
  let bytes = 0;
  await openArchive(context, row.backup, {
    signal,
    onProgress: (read) => {
      bytes = read;
    },
  });
  return `All of it is as it was written, ${(bytes / 1e6).toFixed(1)} MB.`;
}

async function proveInScratch({ context, journal, signal }: Work): Promise<string> {
  const { row } = journal;
  const parts = partsOf(row);
  const manifest = await findManifest(context, row.backup);
  const chosen = manifest && { ...manifest, parts: manifest.parts.filter(({ name }) => parts.includes(name)) };
  const examination = new Examination(context, chosen, { level: "restored", signal });
  await openArchive(context, row.backup, { signal, onFile: (file, content) => examination.examine(file, content) });
  return judge(journal, await examination.finish());
}

/** Before anything is stopped: an instant that is not reached changes nothing. In scratch that is all there is to do. */
async function recover(work: Work): Promise<string> {
  const { journal, instant } = work;
  const { untilTime } = journal.run;
  if (!untilTime) return "No instant was asked for.";
  const recovered = await instant.recover(sourceOf(work, "recover"), untilTime);
  await journal.change((run) => ({ ...run, recovered }));
  if (modeOf(journal.row) === "scratch") await journal.keepChecks(describeFacts(recovered));
  const rows = recovered.tables.reduce((sum, table) => sum + table.rows, 0);
  const unlogged = describeUnlogged(recovered.tables.filter(({ isUnlogged }) => isUnlogged).map(({ name }) => name));
  const said = `As of ${untilTime} it has ${rows.toLocaleString("en")} rows in ${recovered.tables.length} tables.`;
  return unlogged === null ? said : `${said} ${unlogged}`;
}

async function compare(work: Work): Promise<string> {
  const { journal } = work;
  const { row, run } = journal;
  const { stopped, recovered } = run;
  const comparison = { parts: partsOf(row), stopped: stopped ?? [], recovered };
  return judge(journal, await compareAll(sourceOf(work, "compare"), comparison));
}

async function judge(journal: Journal, checks: RecoveryCheck[]): Promise<string> {
  await journal.keepChecks(checks);
  const failed = checks.filter(({ passed }) => !passed);
  const [first] = failed;
  const { untilTime } = journal.run;
  const instant = untilTime ? `, PostgreSQL's as of ${untilTime}` : "";
  if (!first) return `${checks.length} answers are those of the backup${instant}.`;
  throw new DomainError(
    "precondition-failed",
    `${failed.length} of ${checks.length} answers are others than in the backup${instant}; ${first.name}: ${first.wanted} wanted, ${first.found} found.`,
  );
}

/** A backup of what is about to be written over, made and read back before anything is touched. */
async function savePresent({ context, journal, signal }: Work): Promise<string> {
  const backup = await waitForBackup(context, await orderBackup(context, journal), signal);
  const manifest = isRestorable(backup) ? await findManifest(context, backup) : null;
  const saved = manifest?.parts.filter(({ error }) => error === null).map(({ name }) => name) ?? [];
  const lacking = partsOf(journal.row).filter((part) => !saved.includes(part));
  if (lacking.length === 0) return `${backupName(backup)} holds the present.`;
  const problem = `The present could not be saved (${lacking.join(", ")}): ${backup.message}`;
  if (journal.run.isPresentLost) return `${problem} It is said to be lost, so this goes on.`;
  throw new DomainError("precondition-failed", `${problem} Mend that, or say that the present is lost.`);
}

async function orderBackup(context: RecoveryContext, journal: Journal): Promise<string> {
  const { row } = journal;
  if (row.safetyBackupId) return row.safetyBackupId;
  const parts = partsOf(row);
  const { postgres, redis } = readContents(row.backup);
  const contents = {
    // The dump is what is gone back to: a base backup beside it would only take its time.
    postgres: parts.includes("postgres") && postgres ? { ...postgres, walArchive: undefined } : null,
    redis: parts.includes("redis") ? redis : null,
    objects: parts.includes("objects"),
    logHours: null,
  };
  const id = await transact(context, async (transaction) => {
    const backup = await queueBackup(
      transaction,
      { clock: context.clock, requestId: randomUUID() },
      {
        subject: subjectOf(row),
        contents,
        purpose: "before_restore",
        reason: `The present before ${restoreName(row).toLowerCase()}: ${row.reason}`.slice(0, 500),
        by: { kind: "system", id: null, name: "Switchyard" },
      },
    );
    await transaction.restore.updateMany({ where: { id: row.id, runner: row.runner }, data: { safetyBackupId: backup.id } });
    return backup.id;
  });
  journal.keepSafetyBackup(id);
  return id;
}

async function waitForBackup({ db }: RecoveryContext, id: string, signal: AbortSignal): Promise<Backup> {
  for (;;) {
    const backup = await db.backup.findUniqueOrThrow({ where: { id } });
    if (hasEnded(backup)) return backup;
    await sleep(pollMs, undefined, { signal });
  }
}

async function stopWriters({ context, journal, signal }: Work): Promise<string> {
  let { stopped } = journal.run;
  if (stopped === null) {
    stopped = await findWriters(context.kubernetes, await listPlaces(context, journal));
    for (const { namespace, name } of stopped) await refuseDuringRollout(context.db, { namespace, name });
    // What is to be started again is known before anything is stopped.
    await journal.change((run) => ({ ...run, stopped }));
  }
  await stopWorkloads(context.kubernetes, stopped, signal);
  const names = stopped.map(({ namespace, name, replicas }) => `${namespace}/${name} (${replicas})`);
  return names.length > 0 ? `Stopped: ${names.join(", ")}.` : "Nothing that runs reads these addresses.";
}

/** Where the data are now; a lost place has no writers that could be found. */
async function listPlaces(context: RecoveryContext, { row, run }: Journal): Promise<DataPlace[]> {
  const parts = partsOf(row);
  const namespace = row.namespace ?? "";
  const places: DataPlace[] = [];
  for (const [part, find] of [["postgres", postgresPlace] as const, ["redis", redisPlace] as const]) {
    if (!parts.includes(part)) continue;
    try {
      places.push({ url: (await find(context, row)).url, namespace });
    } catch (error) {
      const isGone = error instanceof DomainError && (error.code === "not-found" || error.code === "precondition-failed");
      if (!isGone || !run.isPresentLost) throw error;
    }
  }
  return places;
}

/** The former database is let go of when a good backup holds it. */
async function clean({ context, journal }: Work): Promise<string> {
  const { row } = journal;
  if (!partsOf(row).includes("postgres") || modeOf(row) !== "in-place") return "Nothing is left over.";
  const safety = row.safetyBackupId ? await context.db.backup.findUnique({ where: { id: row.safetyBackupId } }) : null;
  const address = await postgresPlace(context, row);
  const former = await findFormer(address, row.id);
  if (!former) return "Nothing is left over.";
  if (!safety || !isGood(safety))
    return `The former database stays as ${former}: no whole backup holds it. Drop it when it is not needed.`;
  await dropFormer(address, row.id);
  return `The former database is dropped; ${backupName(safety)} holds it.`;
}
