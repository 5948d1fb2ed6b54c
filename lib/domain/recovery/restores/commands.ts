import { hashRequest } from "../../actions/ledger.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { once } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { openRestores } from "../backups/in-use.ts";
import { getRestore } from "./queries.ts";
import { cancelRestoreSchema, type RestoreView } from "./schemas.ts";
import { restoreName, runOf } from "./stored.ts";

/**
 * Calls a restore off: what it has restored over the present is taken back, and what it has stopped is started again. Operators; of one
 * in place administrators. Throws precondition-failed when it is over or goes back already.
 */
export async function cancelRestore(
  context: Context,
  { id, body, key }: { id: string; body: unknown; key?: unknown },
): Promise<{ restore: RestoreView; message: string }> {
  authorise(context, "operator", "cancel a restore");
  const { reason } = parseInput(cancelRestoreSchema, body);
  const restoreId = parseId(id, "restore");
  await once(context, {
    key,
    hash: hashRequest("cancel-restore", { namespace: "", name: restoreId }, body),
    run: (keyed) =>
      transact(context, async (transaction) => {
        const row = await transaction.restore.findUnique({ where: { id: restoreId } });
        if (!row) throw new DomainError("not-found", "There is no restore with this id.");
        if (row.mode === "in-place") authorise(context, "admin", "cancel a restore over the present");
        const now = context.clock();
        const isWaiting = row.state === "queued" && row.runner === null;
        const ended = {
          state: "cancelled" as const,
          finishedAt: now,
          activeKey: null,
          message: `Cancelled by ${context.actor.name}.`,
        };
        const { count } = await transaction.restore.updateMany({
          where: { id: restoreId, ...openRestores, runner: row.runner, cancelledByName: null },
          data: { cancelledByName: context.actor.name, ...(isWaiting ? ended : {}) },
        });
        if (count === 0 || runOf(row).problem !== null) {
          throw new DomainError("precondition-failed", `${restoreName(row)} is over, or is being taken back already.`);
        }
        await writeAudit(transaction, context, {
          ...keyed,
          verb: "cancel",
          targetKind: "restore",
          targetNamespace: row.namespace,
          targetName: restoreName(row),
          targetUid: row.id,
          reason,
          outcome: "succeeded",
        });
        return true;
      }),
    recall: () => true,
  });
  const restore = await getRestore(context, restoreId);
  const message =
    restore.state === "cancelled" ? `${restoreName(restore)} is cancelled.` : `${restoreName(restore)} is being taken back.`;
  return { restore, message };
}
