import type { Workload } from "#lib/kubernetes/objects.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { describeAbout } from "../../fleet/about.ts";
import { listManagedWorkloads } from "../../fleet/fresh.ts";
import { kindLabel, type ServiceRef } from "../../fleet/schemas.ts";
import { sourceWindow } from "../timeline/sources.ts";
import { measureImpact } from "./impact.ts";
import { type Indicator, type IndicatorName, indicatorBehind, indicatorsOf, isProbed } from "./indicators.ts";
import { keepLook } from "./keep.ts";
import { beginIndicator, type StoredRecovery, type Turn, takePoints, type WatchedIndicator } from "./recovery.ts";
import { SeriesReader } from "./series-reader.ts";
import { readState } from "./stored.ts";
import { readRef } from "./verdicts.ts";

export type RecoveryContext = Pick<Context, "db" | "kubernetes" | "prometheus" | "clock" | "logger">;

/** Over so much of the prober's data an indicator is computed; more where that would not hold two scrapes. */
const windowSeconds = 30;
const scrapesInWindow = 2.5;
const mostWatched = 200;
/** What a pass does not come to is first in the next one. */
const passMs = 15_000;
const minuteMs = 60_000;

/** An incident as it was read for a look. */
export type WatchedIncident = {
  id: string;
  impactStartedAt: Date;
  impactStartSource: string;
  detectedAt: Date;
  resolvedAt: Date | null;
  services: (ServiceRef & { stored: StoredRecovery | null; lookedAt: Date | null })[];
  alerts: { name: string; namespace: string | null; service: string | null; startsAt: Date }[];
};

/** What one look at a service found. */
export type Look = {
  ref: ServiceRef;
  stored: StoredRecovery;
  news: (Turn & { indicator: WatchedIndicator })[];
  needs: ServiceRef[];
};

/**
 * Looks once at what stands behind each incident that is open, or was resolved within the hour, and keeps what it found; two controllers
 * keep each look once. What cannot be measured now keeps what was known, and the time of it.
 */
export async function watchRecoveries(context: RecoveryContext, { scrapeSeconds }: { scrapeSeconds: number }): Promise<void> {
  const { prometheus, kubernetes, logger } = context;
  if (!prometheus) return;
  const reader = new SeriesReader(prometheus, { clock: context.clock, scrapeSeconds });
  const incidents = (await listWatched(context)).filter(({ services, impactStartedAt }) =>
    services.some(
      ({ lookedAt, stored }) => !lookedAt || stored?.impactStartedAt !== impactStartedAt.toISOString() || reader.isDue(lookedAt),
    ),
  );
  if (incidents.length === 0) return;
  const workloads = await listManagedWorkloads(kubernetes).catch((error) => {
    logger.warn({ err: error }, "recoveries are measured by what is known of services");
    return null;
  });
  const window = Math.max(windowSeconds, Math.ceil(scrapesInWindow * scrapeSeconds));
  const end = performance.now() + passMs;
  for (const incident of incidents) {
    if (performance.now() > end) return;
    for (const service of incident.services) {
      try {
        const look = await lookAt(reader, incident, service, { workloads, window });
        if (look) await keepLook(context, incident, service, look);
      } catch (error) {
        logger.warn({ err: error, incident: incident.id, service: service.name }, "a recovery cannot be measured now");
        // Nothing else can be measured either.
        if (error instanceof DomainError && error.code === "prometheus-unavailable") return;
      }
    }
    try {
      await measureImpact(context, prometheus, incident, reader.stepSeconds);
    } catch (error) {
      logger.warn({ err: error, incident: incident.id }, "the start of an impact cannot be measured now");
    }
  }
}

/** Those that nobody has looked at for longest first. */
async function listWatched({ db, clock }: RecoveryContext): Promise<WatchedIncident[]> {
  const since = new Date(clock().getTime() - sourceWindow.afterMinutes * minuteMs);
  const found = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM incidents
    WHERE (resolved_at IS NULL OR resolved_at > ${since}) AND EXISTS (SELECT 1 FROM incident_services WHERE incident_id = incidents.id)
    ORDER BY (SELECT max(looked_at) FROM incident_recoveries WHERE incident_id = incidents.id) NULLS FIRST, opened_at DESC, id
    LIMIT ${mostWatched}`;
  const rows = await db.incident.findMany({
    where: { id: { in: found.map(({ id }) => id) } },
    select: {
      id: true,
      impactStartedAt: true,
      impactStartSource: true,
      detectedAt: true,
      resolvedAt: true,
      recoveries: true,
      services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
      links: { where: { kind: "alert" }, orderBy: [{ at: "asc" }, { targetId: "asc" }], select: { targetId: true } },
    },
  });
  const ids = rows.flatMap(({ links }) => links.map(({ targetId }) => targetId));
  const episodes = await db.alertEpisode.findMany({
    where: { id: { in: ids } },
    select: { id: true, name: true, namespace: true, service: true, startsAt: true },
  });
  const byId = new Map(episodes.map((episode) => [episode.id, episode]));
  const incidents = rows.map(({ services, links, recoveries, ...row }) => ({
    ...row,
    services: services.map(({ namespace, service: name }) => {
      const kept = recoveries.find((one) => one.namespace === namespace && one.service === name);
      return { namespace, name, stored: kept ? readState(kept) : null, lookedAt: kept?.lookedAt ?? null };
    }),
    alerts: links.map(({ targetId }) => byId.get(targetId)).filter((episode) => episode !== undefined),
  }));
  const order = new Map(found.map(({ id }, index) => [id, index]));
  return incidents.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

type Known = { workloads: Workload[] | null; window: number };

/** Takes in what came since the last look; null where nothing can be said of the service. */
async function lookAt(
  reader: SeriesReader,
  { impactStartedAt, resolvedAt, alerts }: WatchedIncident,
  { stored, ...ref }: WatchedIncident["services"][number],
  { workloads, window }: Known,
): Promise<Look | null> {
  const named = namesOf(alerts, ref);
  const workload = workloads?.find(({ metadata }) => metadata.namespace === ref.namespace && metadata.name === ref.name) ?? null;
  const kept = stored?.impactStartedAt === impactStartedAt.toISOString() && stored.windowSeconds === window ? stored : null;
  const wanted = workloads ? indicatorsFor(workload, ref, { workloads, window, named }) : (stored?.indicators ?? null);
  if (!wanted) return null;
  const begun: StoredRecovery = {
    impactStartedAt: impactStartedAt.toISOString(),
    windowSeconds: window,
    named,
    soughtFrom: kept?.soughtFrom ?? null,
    indicators: wanted.map(
      (indicator) =>
        goOn(
          kept?.indicators.find((one) => isSame(one, indicator)),
          indicator,
        ) ?? beginIndicator(indicator, impactStartedAt),
    ),
  };
  const read = (indicators: WatchedIndicator[]) =>
    Promise.all(indicators.map(async (one) => takePoints(one, { ...begun, resolvedAt }, await reader.readSince(one))));
  const seen = await read(begun.indicators.filter(({ standsInFor }) => standsInFor === null));
  const isKnown = (name: IndicatorName) => seen.some(({ indicator }) => indicator.name === name && indicator.wasKnown);
  const inPlace = begun.indicators.filter(({ standsInFor }) => standsInFor !== null && !isKnown(standsInFor));
  const looks = [...seen, ...(await read(inPlace))];
  return {
    ref: { namespace: ref.namespace, name: ref.name },
    stored: { ...begun, indicators: looks.map(({ indicator }) => indicator) },
    news: looks.flatMap(({ indicator, news }) => news.map((turn) => ({ ...turn, indicator }))),
    needs: workload ? describeAbout(workload).dependsOn.map(readRef) : [],
  };
}

/** What is asked may change with the number of instances that are wanted, and remains the same indicator. */
function goOn(kept: WatchedIndicator | undefined, indicator: Indicator): WatchedIndicator | null {
  return kept ? { ...kept, ...indicator } : null;
}

function isSame(kept: WatchedIndicator, { name, title }: Indicator): boolean {
  return kept.name === name && kept.title === title;
}

/** The kind of a service that is gone is unknown: then its instances do not answer. */
function indicatorsFor(
  workload: Workload | null,
  ref: ServiceRef,
  { workloads, window, named }: { workloads: Workload[]; window: number; named: IndicatorName[] },
): Indicator[] {
  const kindOf = ({ metadata }: Workload) => metadata.labels?.[kindLabel] ?? "";
  const kind = workload ? kindOf(workload) : "";
  const alike = workloads.filter((one) => one.metadata.namespace === ref.namespace && kindOf(one) === kind).length;
  return indicatorsOf(kind, ref, window, {
    isProbed: isProbed(kind, ref, alike),
    desired: workload?.spec.replicas ?? null,
    named,
  });
}

/** What the alerts on this service name, and those that name no service. */
function namesOf(alerts: WatchedIncident["alerts"], ref: ServiceRef): IndicatorName[] {
  const concerned = alerts.filter(
    ({ namespace, service }) => service === null || (namespace === ref.namespace && service === ref.name),
  );
  return [...new Set(concerned.flatMap(({ name }) => indicatorBehind(name) ?? []))];
}
