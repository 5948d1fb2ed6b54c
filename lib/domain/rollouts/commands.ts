import { Prisma, type Rollout } from "#lib/database/generated/client.ts";
import { type Context, type Transaction, transact } from "../context.ts";
import { announceRolloutEnd } from "../notifications/announce.ts";
import type { Progress } from "./progress.ts";

/** What began: the change, and the generation of the Deployment that carries it. */
export type StartRolloutInput = Pick<
  Rollout,
  | "auditEntryId"
  | "namespace"
  | "service"
  | "workloadUid"
  | "change"
  | "fromRevision"
  | "fromVersion"
  | "toVersion"
  | "fromReplicas"
  | "toReplicas"
  | "targetGeneration"
>;

/**
 * Records a change that was just written to the cluster; the controller follows it to its end. It supersedes what came before it:
 * a change of the template the earlier ones, a scale the earlier scales.
 */
export async function startRollout(
  transaction: Transaction,
  { clock }: Pick<Context, "clock">,
  input: StartRolloutInput,
): Promise<Rollout> {
  const now = clock();
  const isScale = input.change === "scale";
  await transaction.rollout.updateMany({
    where: {
      workloadUid: input.workloadUid,
      state: { in: ["progressing", "paused"] },
      change: isScale ? "scale" : { not: "scale" },
      targetGeneration: { lt: input.targetGeneration },
      strategy: { equals: Prisma.DbNull },
    },
    data: {
      state: "superseded",
      message: isScale ? `Scaled again, to ${input.toReplicas}.` : "Replaced by a newer change.",
      finishedAt: now,
    },
  });
  return transaction.rollout.create({
    data: { ...input, toRevision: null, state: "progressing", message: "The change was accepted and begins.", startedAt: now },
  });
}

/** Records where a rollout is, and tells of its end; false when another controller was faster or it had ended. */
export async function recordProgress(
  context: Pick<Context, "db" | "clock">,
  rollout: Rollout,
  progress: Progress,
): Promise<boolean> {
  const { state, message } = progress;
  const toRevision = progress.toRevision ?? rollout.toRevision;
  if (state === rollout.state && message === rollout.message && toRevision === rollout.toRevision) return false;
  const isOver = state === "complete" || state === "failed" || state === "superseded";
  const now = context.clock();
  return transact(context, async (transaction) => {
    const { count } = await transaction.rollout.updateMany({
      where: { id: rollout.id, state: rollout.state, message: rollout.message },
      data: { state, message, toRevision, finishedAt: isOver ? now : null },
    });
    if (count === 1 && isOver) await announceRolloutEnd(transaction, rollout, progress, now);
    return count === 1;
  });
}
