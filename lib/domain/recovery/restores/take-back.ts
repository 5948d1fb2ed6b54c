import type { Backup } from "#lib/database/generated/client.ts";
import { DomainError } from "../../errors.ts";
import { isRestorable } from "../backups/states.ts";
import { dropFormer, gatherStatistics, undoSwap } from "../sources/postgres-restore.ts";
import {
  comparePostgresPart,
  compareRedisPart,
  putBackObjects,
  putBackPostgres,
  putBackRedis,
  type Source,
} from "./data-steps.ts";
import { postgresPlace } from "./places.ts";
import type { StepKey, Stopped } from "./run.ts";

type Back = {
  source: Omit<Source, "backup">;
  /** Of the present before the restore; null when it could not be saved. */
  safety: Backup | null;
  /** Steps that have changed the present, the last one first. */
  touched: readonly StepKey[];
  stopped: readonly Stopped[];
};

/**
 * Puts the present back to what it was before the restore: the former database is given its name back, the rest comes from the backup
 * that was made before. May be repeated. Throws precondition-failed when there is no such backup.
 */
export async function takeBack({ source, safety, touched, stopped }: Back): Promise<string> {
  const copy: Source | null = safety && isRestorable(safety) ? { ...source, backup: safety } : null;
  const done: string[] = [];
  for (const key of touched) {
    if (key === "postgres") done.push(await takeBackPostgres(source, copy));
    if (key === "redis") done.push(await takeBackRedis(requireCopy(copy, "Redis")));
    if (key === "objects") {
      await putBackObjects(requireCopy(copy, "the Kubernetes objects"), { stopped, onStopped: async () => {} });
      done.push("The Kubernetes objects are as they were.");
    }
  }
  return done.join(" ");
}

async function takeBackPostgres(source: Omit<Source, "backup">, copy: Source | null): Promise<string> {
  const { context, row } = source;
  const address = await postgresPlace(context, row);
  const isUndone = await undoSwap(address, row.id);
  if (!isUndone && copy && !(await isAsIn(() => comparePostgresPart(copy)))) {
    await putBackPostgres(copy, `${row.id}-back`);
    await gatherStatistics(address);
    await dropFormer(address, `${row.id}-back`);
  }
  // What an unfinished try has left half-written.
  await dropFormer(address, row.id);
  return "PostgreSQL is as it was.";
}

async function takeBackRedis(copy: Source): Promise<string> {
  if (!(await isAsIn(() => compareRedisPart(copy)))) await putBackRedis(copy);
  return "Redis is as it was.";
}

async function isAsIn(compare: () => Promise<{ passed: boolean }[]>): Promise<boolean> {
  return (await compare()).every(({ passed }) => passed);
}

function requireCopy(copy: Source | null, what: string): Source {
  if (copy) return copy;
  throw new DomainError(
    "precondition-failed",
    `${what[0]?.toUpperCase()}${what.slice(1)} cannot be taken back: the present could not be saved before.`,
  );
}
