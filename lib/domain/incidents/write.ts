import type { AuditEntry, Prisma } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../actions/ledger.ts";
import { writeAudit } from "../audit.ts";
import { type Context, type Transaction, transact } from "../context.ts";
import { type Keyed, once as onceForKey } from "../idempotency.ts";
import { announceIncident, type IncidentNews } from "../notifications/announce.ts";
import { parseId } from "../validation.ts";
import { incidentName } from "./incident-name.ts";
import type { IncidentChange } from "./schemas.ts";
import { incidentParts, lockIncident, type StoredIncident } from "./stored.ts";
import { insertRows, type NewTimelineRow } from "./timeline/timeline.ts";

/** A change as it was asked for; `key` is what came as Idempotency-Key, undefined for none. */
export type ChangeRequest = { id: string; verb: string; input: unknown; key?: unknown };

/** What a change comes to. */
export type PlannedChange = {
  /** What was done, in a sentence. */
  message: string;
  /** What of the incident's own row changes. */
  data?: Prisma.IncidentUncheckedUpdateInput;
  rows: NewTimelineRow[];
  before?: object | null;
  after?: object | null;
  reason?: string | null;
  news?: IncidentNews[];
};

/** Plans a change over what nobody else changes meanwhile; a text says that there is nothing to do. */
export type Plan = (transaction: Transaction, incident: StoredIncident, now: Date) => Promise<PlannedChange | string>;

/**
 * Changes an incident: what is planned is written with its rows of the timeline, its audit entry and what is told of it, in one
 * transaction and under a new version. A repeated request with the same key gets the first one's answer.
 */
export async function writeIncident(
  context: Context,
  { id, verb, input, key }: ChangeRequest,
  plan: Plan,
): Promise<IncidentChange> {
  const incidentId = parseId(id, "incident");
  const hash = hashRequest(`${verb} incident`, { namespace: "", name: incidentId }, input);
  return once(context, key, hash, (keyed) =>
    transact(context, (transaction) => write(context, transaction, { incidentId, verb, keyed, plan })),
  );
}

type Work = { incidentId: string; verb: string; keyed: Keyed; plan: Plan };

async function write(
  context: Context,
  transaction: Transaction,
  { incidentId, verb, keyed, plan }: Work,
): Promise<IncidentChange> {
  const incident = await lockIncident(transaction, incidentId);
  const now = context.clock();
  const planned = await plan(transaction, incident, now);
  const { number } = incident;
  if (typeof planned === "string") return { id: incidentId, number, version: incident.version, message: planned };
  const version = incident.version + 1;
  const { message, data, rows, before = null, after = null, reason = null, news = [] } = planned;
  const changed = await transaction.incident.update({
    where: { id: incidentId },
    data: { ...data, version },
    include: incidentParts,
  });
  await insertRows(transaction, incidentId, rows, { version, now });
  await writeAudit(transaction, context, {
    ...auditedAs(changed),
    ...keyed,
    verb,
    before: before && toJson(before),
    after: toJson({ ...after, ...answerFor(keyed, { message, version }) }),
    reason,
    outcome: "succeeded",
  });
  for (const one of news) await announceIncident(transaction, changed, one, now);
  return { id: incidentId, number, version, message };
}

type Answer = Pick<IncidentChange, "message" | "version">;

/** What an audit entry keeps so that a repeated request gets the same answer. */
export function answerFor({ idempotencyKey }: Keyed, { message, version }: Answer): { answer?: Answer } {
  return idempotencyKey === null ? {} : { answer: { message, version } };
}

/** Does it once for its key; a repeated request gets the first one's answer. */
export function once(
  context: Context,
  key: unknown,
  hash: string,
  run: (keyed: Keyed) => Promise<IncidentChange>,
): Promise<IncidentChange> {
  return onceForKey(context, { key, hash, run, recall: readAnswer });
}

function readAnswer({ targetUid, targetName, after }: AuditEntry): IncidentChange | null {
  const { answer } = (after ?? {}) as { answer?: Answer };
  if (!targetUid || !answer) return null;
  return { id: targetUid, number: Number(targetName.replace("INC-", "")), ...answer };
}

/** How audit entries name an incident. */
export function auditedAs(incident: StoredIncident) {
  return {
    targetKind: "incident",
    targetNamespace: incident.services[0]?.namespace ?? null,
    targetName: incidentName(incident),
    targetUid: incident.id,
  };
}
