import { Prisma } from "#lib/database/generated/client.ts";
import type { AuditedAfter } from "../actions/ledger.ts";
import type { Snapshot } from "../actions/plan.ts";
import { authorise, type ConsoleContext, type Context, translateDatabaseErrors } from "../context.ts";
import { type ServiceFigures, serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { type LatestChanges, type LedgerAnswer, type LedgerMark, ledgerSpanSchema } from "./schemas.ts";

const mostMarks = 500;
const withWhatItChanged = { rollout: { select: { id: true, state: true, toRevision: true } }, measure: true } as const;
type Entry = Prisma.AuditEntryGetPayload<{ include: typeof withWhatItChanged }>;

/** What was done to a service within a span of time, oldest first; the newest 500. Refused and failed requests changed nothing. */
export async function listLedger(context: Context, ref: unknown, span: unknown): Promise<LedgerAnswer> {
  authorise(context, "viewer", "see what was done");
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  const { from, to } = parseInput(ledgerSpanSchema, span);
  const entries = await translateDatabaseErrors(() =>
    context.db.auditEntry.findMany({
      where: {
        targetKind: "service",
        targetNamespace: namespace,
        targetName: name,
        outcome: { in: ["pending", "succeeded"] },
        at: { gte: new Date(from * 1000), lte: new Date(to * 1000) },
      },
      include: withWhatItChanged,
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: mostMarks,
    }),
  );
  return { marks: entries.map(viewMark).toReversed() };
}

/** The last change of every service that was changed at all, by its id. */
export async function listLatestChanges(context: ConsoleContext): Promise<LatestChanges> {
  authorise(context, "viewer", "see what was done");
  const services = context.fleet.listServices();
  const entries = await translateDatabaseErrors(async () => {
    // One step into the index for each service, however long the ledger is.
    const newest = await context.db.$queryRaw<{ id: string }[]>`
      SELECT newest.id
      FROM unnest(${services.map(({ namespace }) => namespace)}::text[], ${services.map(({ name }) => name)}::text[])
        AS service (namespace, name)
      CROSS JOIN LATERAL (
        SELECT id FROM audit_entries
        WHERE target_namespace = service.namespace AND target_name = service.name
          AND target_kind = 'service' AND outcome IN ('pending', 'succeeded')
        ORDER BY at DESC LIMIT 1
      ) AS newest`;
    return context.db.auditEntry.findMany({ where: { id: { in: newest.map(({ id }) => id) } }, include: withWhatItChanged });
  });
  return { changes: Object.fromEntries(entries.map(viewMark).map((mark) => [mark.service, mark])) };
}

function viewMark(entry: Entry): LedgerMark {
  const { rollout, measure } = entry;
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    service: `${entry.targetNamespace}/${entry.targetName}`,
    verb: entry.verb,
    title: describeMark(entry),
    actorKind: entry.actorKind,
    actor: entry.actorName,
    reason: entry.reason,
    outcome: entry.outcome,
    rolloutId: rollout?.id ?? null,
    rolloutState: rollout?.state ?? null,
    before: (measure?.before ?? null) as ServiceFigures | null,
    after: (measure?.after ?? null) as ServiceFigures | null,
  };
}

/** An autoscaler's limits as the audit keeps them. */
function describeRange(limits: unknown): string {
  const { min = "?", max = "?" } = (limits ?? {}) as { min?: number; max?: number };
  return `${min} to ${max}`;
}

/** What of a ConfigMap or Secret changed, as the audit keeps it. */
function describeConfig(intended: unknown): string {
  const { config = "configuration", keys = [] } = (intended ?? {}) as { config?: string; keys?: string[] };
  return keys.length > 0 ? `${config}: ${keys.join(", ")}` : `${config} changed`;
}

/** Which data came back, as the audit keeps it. */
function describeRestore(ordered: unknown): string {
  const { parts, untilTime } = (ordered ?? {}) as { parts?: string[] | null; untilTime?: string | null };
  return `${parts?.join(", ") ?? "all parts"} brought back${untilTime ? ` as of ${untilTime}` : " from a backup"}`;
}

/**
 * The audit entries of what was done to a service, as a query: its changes, and restores in place and drills of it. Names are
 * expressions. To be narrowed by time.
 */
export function doneTo(namespace: Prisma.Sql, name: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    SELECT * FROM audit_entries
    WHERE target_namespace = ${namespace} AND target_name = ${name}
      AND (target_kind = 'service' OR (target_kind = 'drill' AND verb = 'drill'))
    UNION ALL
    SELECT entry.* FROM restores JOIN audit_entries entry ON entry.id = restores.audit_entry_id
    WHERE restores.subject = ${namespace} || '/' || ${name} AND restores.mode = 'in-place'`;
}

/** What changed in a few words, from the states before and after. */
export function describeMark({
  verb,
  before,
  after,
  rollout,
}: Pick<Entry, "verb" | "before" | "after"> & Partial<Pick<Entry, "rollout">>): string {
  const was = (before ?? {}) as Partial<Snapshot>;
  const { intended = {} } = (after ?? {}) as Partial<AuditedAfter>;
  const versions = `${was.version ?? "?"} → ${intended.version ?? "?"}`;
  switch (verb) {
    case "scale":
      return `${was.replicas ?? "?"} → ${intended.replicas ?? "?"} instances`;
    case "image":
      return was.version === intended.version ? "another image" : versions;
    case "rollout":
      return was.version === intended.version ? "pod template changed" : versions;
    case "rollback":
      return `${versions} (revision ${rollout?.toRevision ?? intended.toRevision ?? "?"})`;
    case "restart":
      return "all instances restarted";
    case "template":
      return "pod template changed";
    case "open-breaker":
      return "circuit breaker held open";
    case "close-breaker":
      return "circuit breaker closed";
    case "fail-over":
      return `database failed over to ${intended.database ?? "its replica"}`;
    case "pause":
      return "rollouts paused";
    case "resume":
      return "rollouts resumed";
    case "config":
      return describeConfig((after as { intended?: unknown } | null)?.intended);
    case "change-limits":
    case "restore-limits":
      return `autoscaler ${describeRange(before)} → ${describeRange((after as { intended?: unknown } | null)?.intended)}`;
    case "restore":
      return describeRestore(after);
    case "drill":
      return `a fault on purpose (${String((after as { scenario?: unknown } | null)?.scenario ?? "?")})`;
    default:
      return "specification changed";
  }
}
