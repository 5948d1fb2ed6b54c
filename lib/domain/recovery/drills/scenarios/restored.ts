import type { Restore } from "#lib/database/generated/client.ts";
import { transact } from "../../../context.ts";
import { DomainError } from "../../../errors.ts";
import { createRestore } from "../../restores/start.ts";
import type { RecoveryCheck } from "../../schemas.ts";
import type { Prey } from "../run.ts";
import type { Choice, Chosen, Work } from "./scenario.ts";

/** What the drills about data share: the backup that is restored, and the restore that they ask for. */

const freshMs = 3_600_000;

export const preyOf = ({ run }: Pick<Work, "run">) => run.prey as Extract<Prey, { kind: "data" }>;

export function wantBackup(now: Date, { backup }: Choice, part: string) {
  const problem =
    backup === null
      ? "There is no verified backup to restore: make one first."
      : !backup.parts.includes(part)
        ? `${backup.name} does not hold the part ${part}.`
        : now.getTime() - backup.takenAt.getTime() > freshMs
          ? `${backup.name} is from ${backup.takenAt.toISOString()}: make one first, for at most an hour may be lost in a drill.`
          : null;
  return [{ name: "Fresh backup", problem, found: `${backup?.name} is from ${backup?.takenAt.toISOString()}.` }];
}

type Data = Omit<Extract<Prey, { kind: "data" }>, "kind" | "backupId" | "takenAt">;

/** What is restored: a part of the choice's backup. */
export function chooseBackup({ backup }: Choice, part: string, { affected, ...data }: Data & { affected: string[] }): Chosen {
  if (!backup?.parts.includes(part)) return { problem: "There is no verified backup to restore: make one first." };
  return { prey: { kind: "data", backupId: backup.id, takenAt: backup.takenAt.toISOString(), ...data }, affected };
}

type Wanted = {
  mode: "scratch" | "namespace" | "in-place";
  parts: string[];
  intoNamespace: string | null;
  isPresentLost?: boolean;
};

/**
 * A restore of the drill, of its own backup unless it is told of another, asked for once. What it found is the drill's. Throws
 * precondition-failed when it has failed.
 */
export async function ensureRestore(work: Work, wanted: Wanted, backupId = preyOf(work).backupId): Promise<Restore> {
  const { context, run } = work;
  const present = await findRestores(work);
  const asked = (all: readonly Restore[]) => all.find((one) => one.backupId === backupId);
  const ask = () =>
    transact(context, async (transaction) => {
      const backup = await transaction.backup.findUniqueOrThrow({ where: { id: backupId } });
      return createRestore(transaction, context, { isPresentLost: false, ...wanted, backup, reason: reasonOf(work) });
    });
  // Refused it may be because another controller has just asked for it.
  const restore =
    asked(present) ??
    (await ask().catch(async (error: unknown) => {
      const other = asked(await findRestores(work));
      if (other) return other;
      throw error;
    }));
  run.restoreId = restore.id;
  run.checks = present.flatMap(({ checks }) => (checks ?? []) as RecoveryCheck[]);
  if (restore.state === "failed" || restore.state === "cancelled") {
    throw new DomainError("precondition-failed", `Restore ${restore.number} has not come to its end: ${restore.message}`);
  }
  return restore;
}

/** Those that the drill has asked for, the first one first; by their reason: a killed controller may not have written down an id. */
export function findRestores(work: Work): Promise<Restore[]> {
  return work.context.db.restore.findMany({ where: { reason: reasonOf(work) }, orderBy: { createdAt: "asc" } });
}

export const isUnderWay = ({ state }: Restore): boolean => state === "queued" || state === "running";

const reasonOf = ({ drillId }: Pick<Work, "drillId">) => `Drill ${drillId}`;
