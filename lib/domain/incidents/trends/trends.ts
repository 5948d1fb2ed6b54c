import { type Clock, type ClockFigures, figuresOf } from "../clock.ts";
import { type FigureSummary, type IncidentTrends, type Severity, severities, type TrendRow } from "../schemas.ts";

/** What trends know of an incident. */
export type TrendIncident = {
  severity: Severity;
  isDrill: boolean;
  services: readonly { namespace: string; name: string }[];
  clock: Clock;
};

/**
 * The figures of the incidents whose impact began within a time. Drills are left out. A service is down from the start of an impact
 * until it is mitigated, else resolved, else still; times that overlap count once. Its MTBF is what is left of the time, divided by
 * the incidents that began within it; one that began before it only takes of the time.
 */
export function trendsOf(incidents: readonly TrendIncident[], from: Date, to: Date): IncidentTrends {
  const period = { from: from.getTime(), to: to.getTime() };
  const real = incidents.filter(({ isDrill }) => !isDrill);
  const begun = real.filter((incident) => hasBegun(incident, period));
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    drillsLeftOut: incidents.filter((incident) => incident.isDrill && hasBegun(incident, period)).length,
    all: rowOf(begun),
    bySeverity: severities.map((severity) => ({ severity, ...rowOf(begun.filter((one) => one.severity === severity)) })),
    byService: servicesOf(real).map(({ namespace, name }) => {
      const concerned = real.filter(({ services }) => services.some((one) => one.namespace === namespace && one.name === name));
      const failures = concerned.filter((incident) => hasBegun(incident, period));
      const downMs = unionMs(
        concerned.map(({ clock }) => downtimeOf(clock, period)),
        period,
      );
      return {
        namespace,
        service: name,
        ...rowOf(failures),
        downtimeSeconds: downMs / 1000,
        mtbf: failures.length === 0 ? null : (period.to - period.from - downMs) / failures.length / 1000,
      };
    }),
  };
}

/** The median is the mean of the two in the middle, the p90 the smallest value that at least nine tenths do not exceed (nearest rank). */
export function summarise(values: readonly (number | null)[]): FigureSummary {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const n = known.length;
  const at = (rank: number) => known[rank - 1] ?? null;
  const [low, high] = [at(Math.ceil(n / 2)), at(Math.floor(n / 2) + 1)];
  return {
    n,
    missing: values.length - n,
    median: low === null || high === null ? null : (low + high) / 2,
    p90: at(Math.ceil(n * 0.9)),
    mean: n === 0 ? null : known.reduce((sum, value) => sum + value, 0) / n,
  };
}

function rowOf(incidents: readonly TrendIncident[]): TrendRow {
  const figures = incidents.map(({ clock }) => figuresOf(clock));
  const of = (name: keyof ClockFigures) => summarise(figures.map((one) => one[name]));
  return { incidents: incidents.length, figures: { ttd: of("ttd"), tta: of("tta"), ttm: of("ttm"), ttr: of("ttr") } };
}

/** A stretch of time in milliseconds, its end left out. */
type Span = { from: number; to: number };

function hasBegun({ clock }: TrendIncident, { from, to }: Span): boolean {
  const at = Date.parse(clock.impactStartedAt);
  return at >= from && at < to;
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
