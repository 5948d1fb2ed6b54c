import { isDeepStrictEqual } from "node:util";
import { toJson } from "#lib/database/storable.ts";
import { type Context, type Transaction, transact } from "../../context.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { appendTimeline, type NewTimelineRow } from "../timeline/timeline.ts";
import { listMitigations } from "./mitigations.ts";
import type { StoredRecovery, Turn, WatchedIndicator } from "./recovery.ts";
import { standingOf } from "./standing.ts";
import { readState } from "./stored.ts";
import { formatIndicator, isMeantToHelp, judgeMitigation } from "./verdict.ts";
import { verdictSource } from "./verdicts.ts";
import type { Look, WatchedIncident } from "./watch.ts";

type KeepContext = Pick<Context, "db" | "clock">;
type Watched = WatchedIncident["services"][number];

const tellEveryMs = 10_000;
const by = "Switchyard";

/** Keeps a look, with what it has to tell, over what was read: one that another controller took in the meantime counts. */
export async function keepLook(
  context: KeepContext,
  incident: WatchedIncident,
  { stored: before, lookedAt }: Watched,
  { ref, stored, news, needs }: Look,
): Promise<void> {
  if (isDeepStrictEqual(toJson(stored), before)) return;
  const now = context.clock();
  const isAnew = before !== null && before.impactStartedAt !== stored.impactStartedAt;
  await transact(context, async (transaction) => {
    const [row] = await transaction.$queryRaw<{ version: number }[]>`
      SELECT version FROM incidents WHERE id = ${incident.id}::uuid AND impact_started_at = ${incident.impactStartedAt} FOR UPDATE`;
    if (!row || !(await isUnchanged(transaction, incident.id, ref, { lookedAt, stored: before }))) return;
    const verdicts = await judgeMitigations(transaction, incident, { ref, stored, needs, now });
    const version = row.version + 1;
    if (isAnew) await hideTurns(transaction, incident.id, ref, { version, now });
    const turns = news.map((turn) => describeTurn(turn, stored, ref, incident.resolvedAt));
    await showAgain(transaction, incident.id, turns, version);
    const id = { incidentId: incident.id, namespace: ref.namespace, service: ref.name };
    const data = { state: toJson(stored), lookedAt: new Date(newest(stored)) };
    await transaction.incidentRecovery.upsert({
      where: { incidentId_namespace_service: id },
      create: { ...id, ...data },
      update: data,
    });
    const rows = [...turns, ...verdicts];
    if (rows.length > 0 || isAnew || isWorthTelling(before, stored)) {
      await appendTimeline(transaction, incident.id, rows, { now, data: {} });
    }
  });
}

/** A watch that began anew may have come to the same time again. */
async function isUnchanged(
  transaction: Transaction,
  incidentId: string,
  { namespace, name }: ServiceRef,
  before: Pick<Watched, "lookedAt" | "stored">,
): Promise<boolean> {
  const row = await transaction.incidentRecovery.findUnique({
    where: { incidentId_namespace_service: { incidentId, namespace, service: name } },
  });
  if (!row || !before.lookedAt) return row === before.lookedAt;
  return (
    row.lookedAt.getTime() === before.lookedAt.getTime() && readState(row).impactStartedAt === before.stored?.impactStartedAt
  );
}

/** Whoever follows the incident is told at once of another state, and of nothing but newer points each few seconds. */
function isWorthTelling(before: StoredRecovery | null, after: StoredRecovery): boolean {
  if (!before) return true;
  const turn = (recovery: StoredRecovery) => Math.floor(newest(recovery) / tellEveryMs);
  const stateOf = (recovery: StoredRecovery) => {
    const { state, goodSince, recoveredAt } = standingOf(recovery);
    return [state, goodSince, recoveredAt, ...recovery.indicators.map((one) => `${one.name} ${one.state}`)].join();
  };
  return turn(before) !== turn(after) || stateOf(before) !== stateOf(after);
}

function newest({ indicators, impactStartedAt }: StoredRecovery): number {
  return Math.max(...indicators.map(({ lookedAt }) => Date.parse(lookedAt)), Date.parse(impactStartedAt) - 86_400_000);
}

const sourceOf = ({ namespace, name }: ServiceRef) => `recovery/${namespace}/${name}/`;

function describeTurn(
  { kind, at, indicator }: Turn & { indicator: WatchedIndicator },
  { windowSeconds }: StoredRecovery,
  service: ServiceRef,
  resolvedAt: Date | null,
): NewTimelineRow {
  const { name, title, before, during, after, limit, bad } = indicator;
  const figure = (value: number | null) => formatIndicator(indicator, value);
  const what = `${service.name}, ${title}`;
  const figures = `before ${figure(before)}, at worst ${figure(during)}, after ${figure(after)}, limit ${figure(limit)}`;
  const isLate = resolvedAt !== null && Date.parse(at) > resolvedAt.getTime();
  const message =
    kind === "recovered"
      ? `Recovered, from the data. ${what}: good for ${windowSeconds} s (${figures}).`
      : `Bad again${isLate ? " after it was resolved" : ""}, from the data. ${what}: ${bad} the limit of ${figure(limit)}.`;
  const detail = { kind, indicator: name, before, during, after, limit };
  return {
    at: new Date(at),
    kind: "recovery",
    message,
    by,
    source: `${sourceOf(service)}${name}/${kind}/${at}`,
    service,
    detail,
  };
}

/** Another start of the impact: what was told of the one before is told again where it is still so. */
async function hideTurns(
  transaction: Transaction,
  incidentId: string,
  ref: ServiceRef,
  { version, now }: { version: number; now: Date },
): Promise<void> {
  await transaction.incidentEvent.updateMany({
    where: { incidentId, source: { startsWith: sourceOf(ref) }, hiddenAt: null },
    data: { hiddenAt: now, hiddenByName: by, version },
  });
}

async function showAgain(
  transaction: Transaction,
  incidentId: string,
  rows: readonly NewTimelineRow[],
  version: number,
): Promise<void> {
  const sources = rows.flatMap(({ source }) => source ?? []);
  if (sources.length === 0) return;
  await transaction.incidentEvent.updateMany({
    where: { incidentId, source: { in: sources }, hiddenByName: by },
    data: { hiddenAt: null, hiddenByName: null, version },
  });
}

type Judging = Pick<Look, "ref" | "stored" | "needs"> & { now: Date };

/** What the data say of actions on the service, and on those that it needs, that have no verdict yet. */
async function judgeMitigations(
  transaction: Transaction,
  incident: WatchedIncident,
  { ref, stored, needs, now }: Judging,
): Promise<NewTimelineRow[]> {
  const isOwn = ({ namespace, name }: ServiceRef) =>
    incident.services.some((service) => service.namespace === namespace && service.name === name);
  const services = [ref, ...needs.filter((need) => !isOwn(need))];
  const actions = await listMitigations(transaction, services, {
    from: incident.impactStartedAt,
    to: incident.resolvedAt ?? now,
  });
  if (actions.length === 0) return [];
  const told = await transaction.incidentEvent.findMany({
    where: { incidentId: incident.id, source: { in: actions.map(({ id }) => verdictSource(id)) } },
    select: { source: true },
  });
  const known = new Set(told.map(({ source }) => source));
  return actions.flatMap((action, index) => {
    if (known.has(verdictSource(action.id)) || !isMeantToHelp(action, stored)) return [];
    const judged = judgeMitigation(action, actions[index + 1] ?? null, stored);
    if (!judged) return [];
    const { at, message, ...verdict } = judged;
    return {
      at,
      kind: "recovery",
      message,
      by,
      source: verdictSource(action.id),
      service: action.service,
      detail: { actionId: action.id, ...verdict },
    };
  });
}
