import type { IncidentEvent } from "#lib/database/generated/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { storableText, toJson } from "#lib/database/storable.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../../context.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import { listTimelineSchema, type TimelineKind, type TimelineRow } from "../schemas.ts";
import { incidentParts, noSuchIncident } from "../stored.ts";

/** A row to write. */
export type NewTimelineRow = {
  /** When it happened. */
  at: Date;
  kind: TimelineKind;
  /** A sentence; of people Markdown. */
  message: string;
  by: string;
  /** What it is written from, "alert-transition/ID": the same is written once. Left out: by a person. */
  source?: string | null;
  /** The service whose charts show it. */
  service?: ServiceRef | null;
  detail?: object | null;
};

type Append = { now: Date; data?: Prisma.IncidentUncheckedUpdateInput };

/**
 * Writes rows to an incident's timeline, each source once, and `data` to the incident itself. Raises its version when there is
 * anything new, and returns how many rows were. Waits for whoever changes the incident. Throws not-found.
 */
export async function appendTimeline(
  transaction: Transaction,
  incidentId: string,
  rows: readonly NewTimelineRow[],
  { now, data }: Append,
): Promise<number> {
  const [locked] = await transaction.$queryRaw<{ version: number }[]>`
    SELECT version FROM incidents WHERE id = ${incidentId}::uuid FOR UPDATE`;
  if (!locked) throw noSuchIncident();
  const version = locked.version + 1;
  const written = await insertRows(transaction, incidentId, rows, { version, now });
  if (written > 0 || data) await transaction.incident.update({ where: { id: incidentId }, data: { ...data, version } });
  return written;
}

/** Inserts rows under a version of the incident, whose row the transaction has locked. */
export async function insertRows(
  transaction: Transaction,
  incidentId: string,
  rows: readonly NewTimelineRow[],
  { version, now }: { version: number; now: Date },
): Promise<number> {
  if (rows.length === 0) return 0;
  const { count } = await transaction.incidentEvent.createMany({
    data: rows.map(({ at, kind, message, by, source, service, detail }) => ({
      incidentId,
      at,
      recordedAt: now,
      kind,
      message: storableText(message),
      by: storableText(by),
      source: source ?? null,
      namespace: service?.namespace ?? null,
      service: service?.name ?? null,
      detail: detail ? toJson(detail) : Prisma.DbNull,
      version,
    })),
    skipDuplicates: true,
  });
  return count;
}

/** An incident's whole timeline, newest first, a page at a time. */
export async function listTimeline(context: Context, id: string, input: unknown): Promise<Page<TimelineRow>> {
  authorise(context, "viewer", "see incidents");
  const incidentId = parseId(id, "incident");
  const { cursor, limit } = parseInput(listTimelineSchema, input);
  const { rows, services } = await translateDatabaseErrors(async () => {
    const { services } = incidentParts;
    const incident = await context.db.incident.findUnique({ where: { id: incidentId }, select: { services } });
    if (!incident) throw noSuchIncident();
    const found = await context.db.incidentEvent.findMany({
      where: { incidentId, AND: cursor ? before(cursor) : [] },
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: limit + 1,
    });
    return { rows: found, services: incident.services.map(({ namespace, service }) => ({ namespace, name: service })) };
  });
  return toPage(
    rows,
    limit,
    (row) => row,
    (row) => viewTimelineRowOf(services, row),
  );
}

function before(cursor: string): Prisma.IncidentEventWhereInput[] {
  const { at, id } = decodeCursor(cursor);
  return [{ at: { lte: at } }, { OR: [{ at: { lt: at } }, { id: { lt: id } }] }];
}

/** The charts from ten minutes before an instant to five after it. */
const chartSeconds = { before: 600, after: 300 };

/** A row with the charts of its service; one that is about none shows those of the first of the incident's services. */
export function viewTimelineRowOf(services: readonly ServiceRef[], row: IncidentEvent): TimelineRow {
  const [first] = services;
  if (!first || row.service !== null) return viewTimelineRow(row);
  return viewTimelineRow({ ...row, namespace: first.namespace, service: first.name });
}

export function viewTimelineRow(row: IncidentEvent): TimelineRow {
  const { id, at, recordedAt, kind, message, by, source, namespace, service, editedAt, editedByName, hiddenAt } = row;
  const seconds = Math.floor(at.getTime() / 1000);
  const charts = `from=${seconds - chartSeconds.before}&to=${seconds + chartSeconds.after}`;
  return {
    id,
    at: at.toISOString(),
    recordedAt: recordedAt.toISOString(),
    kind: kind as TimelineKind,
    message,
    by,
    source,
    href: namespace && service ? `/fleet/${encodeURIComponent(namespace)}/${encodeURIComponent(service)}?${charts}` : null,
    audience: kind === "update" ? ((row.detail as { audience?: "internal" | "external" } | null)?.audience ?? "internal") : null,
    editedAt: editedAt?.toISOString() ?? null,
    editedBy: editedByName,
    isHidden: hiddenAt !== null,
  };
}
