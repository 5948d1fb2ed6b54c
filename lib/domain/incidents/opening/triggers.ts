import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import type { LinkKind, Origin, Severity } from "../schemas.ts";
import { switchyard } from "../switchyard.ts";
import { type Automation, backupAlerts } from "./automation-schemas.ts";

/** Something that a rule opens an incident for. */
export type Trigger = {
  /** It opens one incident, or joins one. */
  key: string;
  origin: Extract<Origin, "alert" | "rollout" | "backup">;
  link: { kind: Extract<LinkKind, "alert" | "rollout">; targetId: string };
  severity: Severity;
  title: string;
  /** What happened, in a sentence. */
  why: string;
  service: ServiceRef | null;
  impactStartedAt: Date;
  detectedAt: Date;
  alertName: string | null;
  /** Of an alert that names no service: what makes two of its episodes the same alert. */
  alert: { sourceId: string; fingerprint: string } | null;
};

/** The severities of alerts that count as critical. */
const critical: readonly string[] = ["critical", "page"];
/** Rollouts of one look; the rest has its turn with the next one. */
const mostRollouts = 50;
/** Alerts that are read at once. All are looked at, for those that open nothing now come again with each look. */
const page = 100;
/** What ended longer ago than this opens nothing any more: nobody looked, and it is history. */
const rolloutsWithinMs = 3_600_000;

/** The time of a look, and since when there have been looks: what had begun before is seen from then on. */
export type Looks = { now: Date; since: Date };

/** What the rules name and what has neither opened nor joined an incident, nor been linked to one by a person. */
export async function findTriggers(db: Database, opening: Automation["opening"], looks: Looks): Promise<Trigger[]> {
  return [...(await findAlerts(db, opening, looks)), ...(await findRollouts(db, opening, looks.now))];
}

/** What is asked for once: whatever became of the incident that it opened or joined, and whoever took which link away. */
function isNew(key: Prisma.Sql, kind: LinkKind): Prisma.Sql {
  return Prisma.sql`
    NOT EXISTS (SELECT 1 FROM incident_triggers WHERE key = ${key})
      AND NOT EXISTS (
        SELECT 1 FROM incident_links WHERE kind = ${kind} AND target_id = found.id AND by_name <> ${switchyard.name})`;
}

type AlertRow = {
  id: string;
  sourceId: string;
  fingerprint: string;
  name: string;
  severity: string;
  summary: string | null;
  namespace: string | null;
  service: string | null;
  startsAt: Date;
  firstReceivedAt: Date;
};

type AlertRule = {
  origin: Trigger["origin"];
  severity: Severity;
  graceSeconds: number;
  names: readonly string[];
  severities: readonly string[];
};

/** The rules whose alerts can have been seen for long enough. */
function alertRules({ criticalAlerts, namedAlerts, backups }: Automation["opening"], { now, since }: Looks): AlertRule[] {
  const rules: (AlertRule & { isOn: boolean })[] = [
    { ...criticalAlerts, origin: "alert", names: [], severities: critical },
    { ...namedAlerts, origin: "alert", severities: [] },
    { ...backups, origin: "backup", names: backupAlerts, severities: [] },
  ];
  const seenMs = now.getTime() - since.getTime();
  return rules.filter(
    ({ isOn, names, severities, graceSeconds }) => isOn && names.length + severities.length > 0 && graceSeconds * 1000 <= seenMs,
  );
}

async function findAlerts(db: Database, opening: Automation["opening"], looks: Looks): Promise<Trigger[]> {
  const { now } = looks;
  const rules = alertRules(opening, looks);
  if (rules.length === 0) return [];
  // Seen to fire for so long, not only begun so long ago: what ended while nobody looked is told as firing at first, such as
  // that Switchyard itself was down.
  const named = rules.map(({ names, severities, graceSeconds }) => {
    const seenBy = new Date(now.getTime() - graceSeconds * 1000);
    return Prisma.sql`
      first_received_at <= ${seenBy} AND (lower(severity) = ANY(${severities}::text[]) OR name = ANY(${names}::text[]))`;
  });
  const readAfter = (last: AlertRow | undefined) => db.$queryRaw<AlertRow[]>`
    SELECT found.id, source_id AS "sourceId", fingerprint, name, severity, annotations->>'summary' AS summary, namespace, service,
      starts_at AS "startsAt", first_received_at AS "firstReceivedAt"
    FROM alert_episodes found
    WHERE state = 'firing' AND coalesce(cardinality(silenced_by), 0) = 0 AND NOT inhibited
      AND (${Prisma.join(named, " OR ")})
      AND ${last ? Prisma.sql`(starts_at, found.id) > (${last.startsAt}, ${last.id}::uuid)` : Prisma.sql`TRUE`}
      AND ${isNew(Prisma.sql`'alert/' || found.id`, "alert")}
    ORDER BY starts_at, found.id LIMIT ${page}`;
  const rows: AlertRow[] = [];
  for (let read = await readAfter(undefined); ; read = await readAfter(rows.at(-1))) {
    rows.push(...read);
    if (read.length < page) break;
  }
  return rows.flatMap((row) => {
    const rule = ruleOf(rules, row, now);
    return rule ? [alertTrigger(row, rule)] : [];
  });
}

/** Of the rules that name an alert the one with the highest severity. */
function ruleOf(rules: readonly AlertRule[], { name, severity, firstReceivedAt }: AlertRow, now: Date): AlertRule | null {
  const [first = null] = rules
    .filter((rule) => rule.severities.includes(severity.toLowerCase()) || rule.names.includes(name))
    .filter(({ graceSeconds }) => firstReceivedAt.getTime() + graceSeconds * 1000 <= now.getTime())
    .toSorted((a, b) => a.severity.localeCompare(b.severity));
  return first;
}

function alertTrigger(row: AlertRow, { origin, severity }: AlertRule): Trigger {
  const { id, name, summary, namespace, service, startsAt, firstReceivedAt, sourceId, fingerprint } = row;
  return {
    key: `alert/${id}`,
    origin,
    link: { kind: "alert", targetId: id },
    severity,
    title: shorten(summary ?? (service ? `${name} on ${service}` : name)),
    why: `The alert ${name} (${row.severity}) fires.`,
    service: namespace && service ? { namespace, name: service } : null,
    impactStartedAt: startsAt,
    detectedAt: firstReceivedAt,
    alertName: name,
    alert: { sourceId, fingerprint },
  };
}

type RolloutRow = {
  id: string;
  namespace: string;
  service: string;
  toVersion: string | null;
  state: string;
  message: string;
  startedAt: Date;
  endedAt: Date;
};

async function findRollouts(db: Database, { rollouts: rule }: Automation["opening"], now: Date): Promise<Trigger[]> {
  if (!rule.isOn) return [];
  const since = new Date(now.getTime() - rolloutsWithinMs);
  // One that failed and stays where it is waits for a person: its rollout is not over.
  const rows = await db.$queryRaw<RolloutRow[]>`
    WITH ended AS (
      SELECT rollout.id, namespace, service, to_version AS "toVersion", message, greatest(started_at, entry.at) AS "startedAt",
        CASE WHEN finished_at IS NULL THEN 'failed' ELSE state::text END AS state,
        coalesce(finished_at, (run->'hold'->>'since')::timestamptz) AS "endedAt"
      FROM rollouts rollout JOIN audit_entries entry ON entry.id = rollout.audit_entry_id
      WHERE (state = 'failed' AND finished_at >= ${since})
        OR (state = 'aborted' AND finished_at >= ${since} AND run->'abort'->>'by' = ${switchyard.name})
        OR (state IN ('progressing', 'paused') AND run->'hold'->>'cause' = 'failed')
    )
    SELECT * FROM ended found
    WHERE "endedAt" BETWEEN ${since} AND ${now} AND ${isNew(endKey, "rollout")}
    ORDER BY "endedAt", id LIMIT ${mostRollouts}`;
  return rows.map(({ id, namespace, service, toVersion, state, message, startedAt, endedAt }) => {
    const what = `The rollout of ${service}${toVersion ? ` to ${toVersion}` : ""} ${state === "aborted" ? "was aborted" : "failed"}`;
    return {
      key: `rollout/${id}/${endedAt.getTime()}`,
      origin: "rollout",
      link: { kind: "rollout", targetId: id },
      severity: rule.severity,
      title: shorten(what),
      why: `${what}: ${message}`,
      service: { namespace, name: service },
      impactStartedAt: startedAt,
      detectedAt: endedAt,
      alertName: null,
      alert: null,
    };
  });
}

/** Each end of a rollout by itself, for one that was retried may be aborted again. */
const endKey = Prisma.sql`'rollout/' || id || '/' || round(extract(epoch FROM "endedAt") * 1000)::bigint`;

function shorten(title: string): string {
  return title.length <= 200 ? title : `${title.slice(0, 199)}…`;
}
