import { writeAudit } from "../audit.ts";
import { authorise, type Context, type Transaction, transact } from "../context.ts";
import { parseInput } from "../validation.ts";
import { hintAlerts } from "./live-hint.ts";
import { type AcknowledgeInput, type AcknowledgeResult, acknowledgeSchema } from "./schemas.ts";

/** Says that somebody looks after these alerts. Those that are acknowledged already keep who was first; ended ones stay as they are. */
export async function acknowledgeAlerts(context: Context, input: AcknowledgeInput | unknown): Promise<AcknowledgeResult> {
  return change(context, input, "acknowledge");
}

/** Takes acknowledgements back: the alerts want somebody again. */
export async function unacknowledgeAlerts(context: Context, input: AcknowledgeInput | unknown): Promise<AcknowledgeResult> {
  return change(context, input, "unacknowledge");
}

type Verb = "acknowledge" | "unacknowledge";
type Changed = { id: string; name: string; namespace: string | null; service: string | null; fingerprint: string };

async function change(context: Context, input: unknown, verb: Verb): Promise<AcknowledgeResult> {
  authorise(context, "operator", `${verb} alerts`);
  const { ids, note } = parseInput(acknowledgeSchema, input);
  const { db, clock, actor } = context;
  const wanted = [...new Set(ids)];
  const changed = await transact(context, async (transaction) => {
    await lockAlertsOf(transaction, wanted);
    const at = clock();
    const rows = await write(transaction, verb, wanted, at, actor.name);
    await transaction.alertTransition.createMany({
      data: rows.map(({ id }) => ({
        episodeId: id,
        at,
        recordedAt: at,
        kind: `${verb}d`,
        by: actor.name,
        ...(note ? { detail: { note } } : {}),
      })),
    });
    for (const { id, name, namespace, service, fingerprint } of rows) {
      await writeAudit(transaction, context, {
        verb,
        targetKind: "alert",
        targetNamespace: namespace,
        targetName: name,
        targetUid: id,
        after: { service, fingerprint },
        reason: note || null,
        outcome: "succeeded",
      });
    }
    return rows.map(({ id }) => id);
  });
  if (changed.length > 0) hintAlerts(db);
  return { changed, unchanged: wanted.length - changed.length };
}

/** Locks alerts in the order of their keys, as ingest does before it changes episodes: neither can be in the other's way. */
async function lockAlertsOf(transaction: Transaction, ids: string[]): Promise<void> {
  await transaction.$executeRaw`
    SELECT 1 FROM alert_series s
    WHERE (s.source_id, s.fingerprint) IN (SELECT source_id, fingerprint FROM alert_episodes WHERE id = ANY(${ids}::uuid[]))
    ORDER BY s.source_id, s.fingerprint FOR UPDATE OF s`;
}

/** Each row is changed once, in the order of ids, so that two people at once neither wait for each other nor both come first. */
function write(transaction: Transaction, verb: Verb, ids: string[], at: Date, by: string): Promise<Changed[]> {
  if (verb === "acknowledge") {
    return transaction.$queryRaw<Changed[]>`
      WITH found AS (
        SELECT id FROM alert_episodes WHERE id = ANY(${ids}::uuid[]) AND state = 'firing' AND acknowledged_at IS NULL
        ORDER BY id FOR UPDATE
      )
      UPDATE alert_episodes e SET acknowledged_at = ${at}, acknowledged_by_name = ${by}
      FROM found WHERE e.id = found.id RETURNING e.id, e.name, e.namespace, e.service, e.fingerprint`;
  }
  return transaction.$queryRaw<Changed[]>`
    WITH found AS (
      SELECT id FROM alert_episodes WHERE id = ANY(${ids}::uuid[]) AND state = 'firing' AND acknowledged_at IS NOT NULL
      ORDER BY id FOR UPDATE
    )
    UPDATE alert_episodes e SET acknowledged_at = NULL, acknowledged_by_name = NULL
    FROM found WHERE e.id = found.id RETURNING e.id, e.name, e.namespace, e.service, e.fingerprint`;
}
