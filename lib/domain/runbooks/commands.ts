import { storableText } from "#lib/database/storable.ts";
import type { FleetContext } from "../alerts/suspect-actions.ts";
import { writeAudit } from "../audit.ts";
import { authorise, isUniqueViolation, transact } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { parseRef } from "./queries.ts";
import { type RunbookView, saveRunbookSchema } from "./schemas.ts";
import { findNewest, keyOf, serviceKindOf, viewRunbook } from "./stored.ts";

/**
 * Writes the next version of a runbook over the one that was read. Operators. Throws stale when there is a newer one. The same again,
 * after an answer that was lost, is answered as before; a text that is the present one makes no version.
 */
export async function saveRunbook(context: FleetContext, ref: unknown, input: unknown): Promise<RunbookView> {
  authorise(context, "operator", "write runbooks");
  const known = parseRef(ref);
  const { text: given, version: seen, note = null } = parseInput(saveRunbookSchema, input);
  const text = given === null ? null : storableText(given);
  const kind = serviceKindOf(context, known);
  const { name: byName } = context.actor;
  try {
    return await transact(context, async (transaction) => {
      const newest = (await findNewest(transaction, [known])).get(keyOf(known)) ?? null;
      const present = newest?.version ?? 0;
      const isAgain = present === seen + 1 && newest?.byName === byName;
      if ((present === seen || isAgain) && (newest?.text ?? null) === text) return viewRunbook(known, kind, newest);
      if (present !== seen) throw staleRunbook(seen, present, newest?.byName ?? "Somebody");
      const version = seen + 1;
      const row = { ...known, version, text, note, at: context.clock(), byName };
      await transaction.runbookVersion.create({ data: row });
      await writeAudit(transaction, context, {
        verb: text === null ? "put-back" : "write",
        targetKind: "runbook",
        targetNamespace: known.scope === "service" ? known.group : null,
        targetName: known.scope === "service" ? known.name : `${known.group}/${known.name}`,
        before: { version: seen },
        after: { version },
        reason: note,
        outcome: "succeeded",
      });
      return viewRunbook(known, kind, row);
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw staleRunbook(seen, seen + 1, "Somebody");
    throw error;
  }
}

function staleRunbook(seen: number, now: number, by: string): DomainError {
  return new DomainError("stale", `${by} has changed this runbook meanwhile. Nothing was written: read it anew and join both.`, {
    changed: [{ field: "version", seen: `${seen}`, now: `${now}` }],
  });
}
