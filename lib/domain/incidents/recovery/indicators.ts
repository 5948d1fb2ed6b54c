import type { ServiceRef } from "../../fleet/schemas.ts";
import { fillWith } from "../../metrics/expression.ts";
import { type OwnCounts, ownCountsOf, type Probe, probes, select } from "../../metrics/indicators.ts";
import { alarmLimits } from "../../metrics/templates.ts";
import type { Recovery } from "../schemas.ts";

/** What tells whether users of a service are harmed: an expression that gives one value, or none where nobody could know. */
export type Indicator = Recovery["indicator"] & {
  name: IndicatorName;
  expr: string;
  /** It is asked only while this one of the prober's has never had a value. */
  standsInFor: IndicatorName | null;
};
export const indicatorNames = ["error-ratio", "latency-p95", "data-loss", "own-error-ratio", "own-latency-p95", "up"] as const;
export type IndicatorName = (typeof indicatorNames)[number];

/** Where the charts of a kind draw no limit: the guides' 1 %. */
const errorLimit = 0.01;
/** One scrape of many that failed is no harm; one instance of ten that is gone is at the limit. */
const upLimit = 0.9;
/** Fewer operations than this within a window say nothing. */
const fewest = 5;

const increase = (selector: string) => `sum(increase(${selector}[$window]))`;
const p95 = (buckets: string) => `histogram_quantile(0.95, sum by (le) (increase(${buckets}[$window])))`;
const enough = (value: string, count: string) => `(${value}) and (${count} >= ${fewest})`;
/** A counter that has not counted yet may have no series: that is 0 where there are operations at all. */
const share = (bad: string, all: string) => enough(`(${bad} or 0 * ${all}) / ${all}`, all);

type Expressions = { errors: string; latency: string };

/** What a synthetic client of the prober sees. */
function probed({ target, operations, timed }: Probe): Expressions {
  const series = (metric: string, ...matchers: string[]) =>
    select({ metric, matchers: matchers.join(",") }, "$namespace", `target="${target}"`);
  const all = increase(series("switchyard_probe_requests_total", operations));
  return {
    errors: share(increase(series("switchyard_probe_requests_total", operations, 'result!="ok"')), all),
    latency: enough(
      p95(series("switchyard_probe_latency_seconds_bucket", timed)),
      increase(series("switchyard_probe_latency_seconds_count", timed)),
    ),
  };
}

/** Acknowledged operations that never came to the other side, and documents that differ. */
function lost({ target }: Probe): string {
  const of = `$namespace,target="${target}"`;
  const missing = increase(`switchyard_probe_lost_total{${of}}`);
  const different = increase(`switchyard_probe_requests_total{${of},operation="converge",result="error"}`);
  return `${missing} + (${different} or 0 * ${missing})`;
}

/** What a service counts itself. */
function counted({ all, bad, seconds }: OwnCounts): Expressions {
  const ownBad = increase(select(bad, "$in"));
  const parts = all.map((series) => increase(select(series, "$in")));
  // The first counts whatever comes; what only counts failures may have no series yet.
  const [first = "", ...rest] = parts;
  const total = rest.length === 0 ? first : `(${[first, ...rest.map((part) => `(${part} or 0 * ${first})`)].join(" + ")})`;
  return {
    errors: share(ownBad, total),
    latency: enough(p95(`${seconds}_bucket{$in}`), increase(`${seconds}_count{$in}`)),
  };
}

/** Instances that answer by those that are wanted: one that is gone leaves no series behind. */
function answering(desired: number | null): string {
  const there = "(sum(up{$in}) or 0 * count(count_over_time(up{$in}[1h])))";
  const wanted = "max(switchyard_service_desired_instances{$in})";
  const all = desired === null ? wanted : `(${wanted} or vector(${desired}))`;
  return `avg_over_time((${there} / ${all})[$window:5s])`;
}

export type IndicatorOptions = {
  /** Whether the prober's series of its kind are about this service (isProbed). */
  isProbed?: boolean;
  /** How many instances it is to have, where Prometheus does not know; null for unknown. */
  desired?: number | null;
  /** What the incident's alerts name. */
  named?: readonly IndicatorName[];
};

/**
 * The indicators of a service of this kind over `windowSeconds`: what the prober's clients see where it uses the service, what the
 * service counts itself in place of each, and whether its instances answer where nothing else is known or an alert says that they do not.
 */
export function indicatorsOf(
  kind: string,
  ref: ServiceRef,
  windowSeconds: number,
  { isProbed = true, desired = null, named = [] }: IndicatorOptions = {},
): Indicator[] {
  const window = `${windowSeconds}s`;
  const fill = (expr: string) => fillWith(expr, ref, { $window: window, $wide: window }).text;
  const own = ownCountsOf(kind);
  const probe = (isProbed && probes[kind]) || null;
  const limits = alarmLimits(kind);
  const errors = { unit: "ratio", limit: limits.errorRatio ?? errorLimit, bad: "above", short: "failed operations" } as const;
  const latency = { unit: "seconds", limit: limits.latencyP95Seconds ?? 0, bad: "above", short: "p95" } as const;
  const hasLatency = limits.latencyP95Seconds !== null;
  const seen = "as the prober sees them";
  const found: Indicator[] = [];
  const add = (indicator: Indicator) => found.push({ ...indicator, expr: fill(indicator.expr) });
  if (probe) {
    const { errors: failed, latency: slow } = probed(probe);
    add({ ...errors, name: "error-ratio", title: `Failed operations ${seen}`, expr: failed, standsInFor: null });
    if (hasLatency)
      add({ ...latency, name: "latency-p95", title: `p95 latency of operations ${seen}`, expr: slow, standsInFor: null });
    if (probe.isLedger) {
      const title = `Operations lost and documents that differ, ${seen}`;
      const shape = { unit: "count", limit: 0, bad: "above", short: "lost operations" } as const;
      add({ ...shape, name: "data-loss", title, expr: lost(probe), standsInFor: null });
    }
  }
  if (own) {
    const { errors: failed, latency: slow } = counted(own);
    const isStandIn = probe !== null;
    add({
      ...errors,
      name: isStandIn ? "own-error-ratio" : "error-ratio",
      title: "Failed operations",
      expr: failed,
      standsInFor: isStandIn ? "error-ratio" : null,
    });
    if (hasLatency)
      add({
        ...latency,
        name: isStandIn ? "own-latency-p95" : "latency-p95",
        title: "p95 latency of operations",
        expr: slow,
        standsInFor: isStandIn ? "latency-p95" : null,
      });
  }
  if (found.length === 0 || named.includes("up")) {
    const shape = { unit: "ratio", limit: upLimit, bad: "below", short: "instances that answer" } as const;
    add({ ...shape, name: "up", title: "Wanted instances that answer", expr: answering(desired), standsInFor: null });
  }
  return found;
}

/**
 * Whether the prober's series are about this service. They name the kind that is used; with several services of it in a namespace that
 * is the one of that name, and of the others nobody knows it.
 */
export function isProbed(kind: string, { name }: ServiceRef, ofSameKind: number): boolean {
  const probe = probes[kind];
  if (!probe) return false;
  return ofSameKind <= 1 || (name === probe.target && kind === probe.target);
}

/** Which of a service's indicators stands behind an alert of this name; null when it does not tell. */
export function indicatorBehind(alert: string): IndicatorName | null {
  if (/lost|loss|diverge/i.test(alert)) return "data-loss";
  if (/^(service|instance|target|node)(down|gone|absent|missing)/i.test(alert)) return "up";
  // That a budget burns does not tell which one.
  if (/error(?!budget)|fail|interrupt|drop|disconnect/i.test(alert)) return "error-ratio";
  return /latency|slow|duration/i.test(alert) ? "latency-p95" : null;
}

/** Whether a value lies on the bad side of the limit; null for what nobody could know. */
export function isBad({ bad, limit }: Pick<Indicator, "bad" | "limit">, value: number | null): boolean | null {
  if (value === null) return null;
  return bad === "above" ? value > limit : value < limit;
}
