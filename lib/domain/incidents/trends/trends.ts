import { type Clock, type ClockFigures, figuresOf } from "../clock.ts";
import { median } from "../median.ts";
import { isMajor, type Severity, severities } from "../schemas.ts";
import type { FigureSummary, IncidentTrends, ServiceTrend, TrendRow } from "./schemas.ts";

/** What trends know of an incident. */
export type TrendIncident = {
  severity: Severity;
  isDrill: boolean;
  services: readonly { namespace: string; name: string }[];
  clock: Clock;
};

/** A stretch of time, and since when there are the services in it (by namespace/name; what is not named was there all the time). */
export type Period = { from: Date; to: Date; since?: ReadonlyMap<string, Date> };

/**
 * The figures of the incidents whose impact began within a time. Drills are left out. P1 and P2 are a service's failures: it is down
 * from the start of their impact until it is mitigated, else resolved, else still; times that overlap count once. Its MTBF is what is
 * left of the time in which there was the service, divided by the failures that began within it; one that began before it only takes
 * of the time.
 */
export function trendsOf(incidents: readonly TrendIncident[], period: Period): Omit<IncidentTrends, "calendar"> {
  const { from, to } = period;
  const real = incidents.filter(({ isDrill }) => !isDrill);
  const begun = begunWithin(real, period);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    drillsLeftOut: begunWithin(incidents, period).length - begun.length,
    all: rowOf(begun),
    bySeverity: severities.map((severity) => ({ severity, ...rowOf(begun.filter((one) => one.severity === severity)) })),
    byService: servicesOf(real).map((service) => serviceTrendOf(real, service, period)),
  };
}

/** The figures of one service, as `trendsOf` has them; of none of its incidents they are empty. */
export function serviceTrendOf(
  incidents: readonly TrendIncident[],
  { namespace, name }: { namespace: string; name: string },
  period: Period,
): ServiceTrend {
  const concerned = incidents.filter(
    ({ isDrill, services }) => !isDrill && services.some((one) => one.namespace === namespace && one.name === name),
  );
  const begun = begunWithin(concerned, period);
  const failures = concerned.filter(({ severity }) => isMajor(severity));
  const span = observed(concerned, period, `${namespace}/${name}`);
  const downMs = unionMs(
    failures.map(({ clock }) => downtimeOf(clock, span)),
    span,
  );
  const count = begunWithin(failures, period).length;
  return {
    namespace,
    service: name,
    ...rowOf(begun),
    observedFrom: new Date(span.from).toISOString(),
    failures: count,
    downtimeSeconds: downMs / 1000,
    mtbf: count === 0 ? null : (span.to - span.from - downMs) / count / 1000,
  };
}

/** The p90 is the smallest value that at least nine tenths do not exceed (nearest rank). */
export function summaryOf(values: readonly number[], { missing, pending }: { missing: number; pending: number }): FigureSummary {
  const known = values.toSorted((a, b) => a - b);
  const n = known.length;
  return {
    n,
    missing,
    pending,
    median: median(known),
    p90: known[Math.ceil(n * 0.9) - 1] ?? null,
    mean: n === 0 ? null : known.reduce((sum, value) => sum + value, 0) / n,
  };
}

function rowOf(incidents: readonly TrendIncident[]): TrendRow {
  const figures = incidents.map(({ clock }) => ({ isOpen: clock.resolvedAt === null, ...figuresOf(clock) }));
  const of = (name: keyof ClockFigures) => {
    const unknown = figures.filter((one) => one[name] === null);
    const pending = unknown.filter(({ isOpen }) => isOpen).length;
    const known = figures.flatMap((one) => one[name] ?? []);
    return summaryOf(known, { missing: unknown.length - pending, pending });
  };
  return { incidents: incidents.length, figures: { ttd: of("ttd"), tta: of("tta"), ttm: of("ttm"), ttr: of("ttr") } };
}

function begunWithin(incidents: readonly TrendIncident[], { from, to }: Period): TrendIncident[] {
  return incidents.filter(({ clock }) => {
    const at = Date.parse(clock.impactStartedAt);
    return at >= from.getTime() && at < to.getTime();
  });
}

/** A stretch of time in milliseconds, its end left out. */
type Span = { from: number; to: number };

/** The part of the period in which there was the service: an incident of it shows that it was there, too. */
function observed(incidents: readonly TrendIncident[], { from, to, since }: Period, id: string): Span {
  const known = since?.get(id)?.getTime() ?? from.getTime();
  const first = Math.min(known, ...incidents.map(({ clock }) => Date.parse(clock.impactStartedAt)));
  return { from: Math.min(Math.max(from.getTime(), first), to.getTime()), to: to.getTime() };
}

function downtimeOf({ impactStartedAt, mitigatedAt, resolvedAt }: Clock, period: Span): Span {
  const end = mitigatedAt ?? resolvedAt;
  return { from: Date.parse(impactStartedAt), to: end === null ? period.to : Date.parse(end) };
}

/** How much of the period lies within any of the spans. */
function unionMs(spans: readonly Span[], period: Span): number {
  let total = 0;
  let covered = period.from;
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const from = Math.max(span.from, covered);
    const to = Math.min(span.to, period.to);
    if (to <= from) continue;
    total += to - from;
    covered = to;
  }
  return total;
}

/** Each service once, by name. */
function servicesOf(incidents: readonly TrendIncident[]): TrendIncident["services"] {
  const all = incidents.flatMap(({ services }) => services);
  const named = new Map(all.map((service) => [`${service.namespace}/${service.name}`, service]));
  return [...named].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, service]) => service);
}
