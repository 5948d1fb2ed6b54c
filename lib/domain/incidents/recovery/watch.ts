import { isDeepStrictEqual } from "node:util";
import { toJson } from "#lib/database/storable.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { type Context, transact } from "../../context.ts";
import { findWorkload } from "../../fleet/fresh.ts";
import { kindLabel, type ServiceRef } from "../../fleet/schemas.ts";
import { formatSeconds, formatShare } from "../../rollouts/analysis/figure-texts.ts";
import { appendTimeline, type NewTimelineRow } from "../timeline/timeline.ts";
import { type Indicator, indicatorBehind, indicatorsOf } from "./indicators.ts";
import { beginRecovery, type Point, type RecoveryNews, type StoredRecovery, takePoints } from "./recovery.ts";

export type RecoveryContext = Pick<Context, "db" | "kubernetes" | "prometheus" | "clock" | "logger">;

/** Over so much of the prober's data an indicator is computed; more where that would not hold two scrapes. */
const windowSeconds = 30;
const scrapesInWindow = 2.5;
/** Of a longer absence of the controller the rest is not looked at. */
const mostSeconds = 3 * 3600;
const mostWatched = 50;
const tellEveryMs = 10_000;

type Watched = {
  id: string;
  impactStartedAt: Date;
  stored: StoredRecovery | null;
  services: ServiceRef[];
  alerts: { name: string; namespace: string | null; service: string | null }[];
};

/**
 * Looks once at what stands behind each open incident and keeps what it found; two controllers keep each look once. An incident that
 * cannot be measured now keeps what was known, and the time of it.
 */
export async function watchRecoveries(context: RecoveryContext, { scrapeSeconds }: { scrapeSeconds: number }): Promise<void> {
  const { prometheus, logger } = context;
  if (!prometheus) return;
  for (const incident of await listWatched(context)) {
    try {
      await watch({ ...context, prometheus }, incident, scrapeSeconds);
    } catch (error) {
      logger.warn({ err: error, incident: incident.id }, "an incident's recovery cannot be measured now");
    }
  }
}

async function listWatched({ db }: RecoveryContext): Promise<Watched[]> {
  const rows = await db.incident.findMany({
    where: { resolvedAt: null, services: { some: {} } },
    orderBy: { openedAt: "desc" },
    take: mostWatched,
    select: {
      id: true,
      impactStartedAt: true,
      recovery: true,
      services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
      links: { where: { kind: "alert" }, orderBy: [{ at: "asc" }, { targetId: "asc" }], select: { targetId: true } },
    },
  });
  const ids = rows.flatMap(({ links }) => links.map(({ targetId }) => targetId));
  const episodes = await db.alertEpisode.findMany({
    where: { id: { in: ids } },
    select: { id: true, name: true, namespace: true, service: true },
  });
  const byId = new Map(episodes.map((episode) => [episode.id, episode]));
  return rows.map(({ id, impactStartedAt, recovery, services, links }) => ({
    id,
    impactStartedAt,
    stored: recovery as StoredRecovery | null,
    services: services.map(({ namespace, service: name }) => ({ namespace, name })),
    alerts: links.map(({ targetId }) => byId.get(targetId)).filter((episode) => episode !== undefined),
  }));
}

type Look = { stored: StoredRecovery; news: RecoveryNews[] };

async function watch(
  context: RecoveryContext & { prometheus: PrometheusClient },
  incident: Watched,
  scrapeSeconds: number,
): Promise<void> {
  const ref = watchedService(incident);
  if (!ref) return;
  const window = Math.max(windowSeconds, Math.ceil(scrapesInWindow * scrapeSeconds));
  const indicators = indicatorsOf(await readKind(context, ref), ref, window);
  const read = (stored: StoredRecovery) => look(context, stored, scrapeSeconds);
  const begin = (indicator: Indicator) =>
    beginRecovery(`${ref.namespace}/${ref.name}`, indicator, incident.impactStartedAt, window);
  const chosen = await choose(incident, indicators, { begin, read });
  if (chosen) await keep(context, incident, ref, chosen);
}

/** The kind of a service that is gone is unknown: then its instances do not answer. */
async function readKind({ kubernetes }: RecoveryContext, ref: ServiceRef): Promise<string> {
  const workload = await findWorkload(kubernetes, ref);
  return workload?.metadata.labels?.[kindLabel] ?? "";
}

/** The service of the first alert, else the first of the incident's. */
function watchedService({ services, alerts }: Watched): ServiceRef | null {
  const isOf = (ref: ServiceRef) => alerts.some(({ namespace, service }) => namespace === ref.namespace && service === ref.name);
  return services.find(isOf) ?? services[0] ?? null;
}

type Reading = { begin: (indicator: Indicator) => StoredRecovery; read: (stored: StoredRecovery) => Promise<Look> };

/**
 * What is watched stays so while it is bad. Otherwise another one that is bad now takes its place, and what was never bad gives way to
 * what the alerts name. In the beginning it is the first one that was bad, those that the alerts name before the others.
 */
async function choose(
  { stored, alerts }: Watched,
  indicators: readonly Indicator[],
  { begin, read }: Reading,
): Promise<Look | null> {
  const names = alerts.map((alert) => indicatorBehind([alert.name]));
  const rank = ({ name }: Indicator) => (names.includes(name) ? names.indexOf(name) : names.length);
  const fresh = indicators.toSorted((a, b) => rank(a) - rank(b)).map(begin);
  const watched = fresh.find((one) => isSame(stored, one)) ? stored : null;
  if (!watched || (!watched.wasBad && fresh[0]?.expr !== watched.expr && names.some((name) => name !== null))) {
    const looks = await Promise.all(fresh.map(read));
    return looks.find((look) => look.stored.wasBad) ?? looks[0] ?? null;
  }
  const look = await read(watched);
  if (look.stored.state === "bad") return look;
  for (const other of fresh.filter(({ expr }) => expr !== watched.expr)) {
    const { stored: lately } = await read({ ...other, lookedAt: latest(other.lookedAt, watched.lookedAt) });
    if (lately.state === "bad" && lately.wasBad) return read(other);
  }
  return look;
}

function latest(a: string, b: string): string {
  return a > b ? a : b;
}

function isSame(stored: StoredRecovery | null, { expr, service, impactStartedAt }: StoredRecovery): boolean {
  return stored?.expr === expr && stored.service === service && stored.impactStartedAt === impactStartedAt;
}

/** Takes in what came since the last look. A point younger than a scrape may still change. */
async function look(
  { prometheus, clock }: RecoveryContext & { prometheus: PrometheusClient },
  stored: StoredRecovery,
  scrapeSeconds: number,
): Promise<Look> {
  const stepSeconds = Math.min(5, Math.max(2, scrapeSeconds));
  const settled = clock().getTime() / 1000 - scrapeSeconds;
  const to = Math.floor(settled / stepSeconds) * stepSeconds;
  const next = Math.floor(Date.parse(stored.lookedAt) / 1000 / stepSeconds + 1) * stepSeconds;
  const from = Math.max(next, to - mostSeconds);
  if (from > to) return { stored, news: [] };
  const [series] = await prometheus.queryRange(stored.expr, { from, to, stepSeconds });
  const values = new Map(series?.points);
  const points: Point[] = [];
  for (let at = from; at <= to; at += stepSeconds) points.push({ at: at * 1000, value: values.get(at) ?? null });
  const { recovery, news } = takePoints(stored, points);
  return { stored: recovery, news };
}

/** Over what was read: a look that another controller took in the meantime counts. */
async function keep(context: RecoveryContext, incident: Watched, ref: ServiceRef, { stored, news }: Look): Promise<void> {
  const { lookedAt: before = null } = incident.stored ?? {};
  if (isDeepStrictEqual(toJson(stored), incident.stored)) return;
  const now = context.clock();
  await transact(context, async (transaction) => {
    const [row] = await transaction.$queryRaw<{ id: string }[]>`
      SELECT id FROM incidents
      WHERE id = ${incident.id}::uuid AND resolved_at IS NULL AND recovery->>'lookedAt' IS NOT DISTINCT FROM ${before}
      FOR UPDATE`;
    if (!row) return;
    const data = { recovery: toJson(stored) };
    if (!isWorthTelling(incident.stored, stored)) {
      await transaction.incident.update({ where: { id: incident.id }, data });
      return;
    }
    const rows = news.map((one) => describeNews(one, stored, ref));
    await appendTimeline(transaction, incident.id, rows, { now, data });
  });
}

/** Whoever follows the incident is told at once of another state, and of nothing but newer points each few seconds. */
function isWorthTelling(before: StoredRecovery | null, after: StoredRecovery): boolean {
  if (!before) return true;
  const turn = ({ lookedAt }: StoredRecovery) => Math.floor(Date.parse(lookedAt) / tellEveryMs);
  const stateOf = ({ state, goodSince, recoveredAt, expr }: StoredRecovery) => [state, goodSince, recoveredAt, expr].join();
  return turn(before) !== turn(after) || stateOf(before) !== stateOf(after);
}

function describeNews({ kind, at }: RecoveryNews, recovery: StoredRecovery, service: ServiceRef): NewTimelineRow {
  const { indicator, before, during, after, windowSeconds: window } = recovery;
  const format = indicator.unit === "seconds" ? formatSeconds : formatShare;
  const figure = (value: number | null) => (value === null ? "unknown" : format(value));
  const what = `${service.name}, ${indicator.title}`;
  const figures = `before ${figure(before)}, at worst ${figure(during)}, after ${figure(after)}, limit ${figure(indicator.limit)}`;
  const message =
    kind === "recovered"
      ? `Recovered, from the data. ${what}: good for ${window} s (${figures}).`
      : `Bad again, from the data. ${what}: ${indicator.bad} the limit of ${figure(indicator.limit)}.`;
  const detail = { kind, before, during, after, limit: indicator.limit };
  return { at: new Date(at), kind: "recovery", message, by: "Switchyard", source: `recovery/${kind}/${at}`, service, detail };
}
