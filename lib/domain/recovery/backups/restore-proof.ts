import type { Context } from "../../context.ts";
import { transact } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { queueProof } from "./queue-proof.ts";
import { backupName, countedBackups } from "./states.ts";

type Since = { impactStartedAt: Date; resolvedAt: Date | null };
type Verdict = { verdict: "passed" | "failed" | "unknown"; message: string };

/**
 * Whether the newest restore into scratch of a subject ("fleet/relay") since an incident went well. Unknown while there was none: the
 * newest verified backup is then restored, and its end decides when somebody asks again.
 */
export async function proveByRestore(
  context: Context,
  subject: string,
  { impactStartedAt, resolvedAt }: Since,
): Promise<Verdict> {
  const newest = await context.db.backupProofRun.findFirst({
    where: { level: "restored", createdAt: { gt: resolvedAt ?? impactStartedAt }, backup: { subject } },
    orderBy: { createdAt: "desc" },
    include: { backup: { select: { number: true } } },
  });
  if (newest?.state === "passed" || newest?.state === "failed") {
    const at = formatUtc(newest.finishedAt ?? newest.createdAt, "minute");
    const message = `${backupName(newest.backup)}, restored into scratch ${at}: ${newest.message}`;
    // What could not be carried out has no checks: it says nothing of the backup.
    const verdict = newest.state === "passed" ? "passed" : newest.checks === null ? "unknown" : "failed";
    return { verdict, message };
  }
  if (newest)
    return {
      verdict: "unknown",
      message: `${backupName(newest.backup)} is being restored into scratch now: close it when that has ended.`,
    };
  return start(context, subject);
}

async function start(context: Context, subject: string): Promise<Verdict> {
  return transact(context, async (transaction) => {
    const backup = await transaction.backup.findFirst({ where: { subject, ...countedBackups }, orderBy: { takenAt: "desc" } });
    if (!backup)
      return {
        verdict: "unknown",
        message: `There is no verified backup of ${subject}: name a service as fleet/relay, and back it up.`,
      };
    await queueProof(transaction, context, { backupId: backup.id, level: "restored", byName: context.actor.name });
    return {
      verdict: "unknown",
      message: `${backupName(backup)} of ${subject} is being restored into scratch now: close it when that has ended.`,
    };
  });
}
