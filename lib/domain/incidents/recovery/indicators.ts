import type { ServiceRef } from "../../fleet/schemas.ts";
import { fillWith } from "../../metrics/expression.ts";
import { alarmLimits } from "../../metrics/templates.ts";
import type { Recovery } from "../schemas.ts";

/** What tells whether users of a service are harmed: an expression that gives one value, or none where nobody could know. */
export type Indicator = Recovery["indicator"] & { name: IndicatorName; expr: string };
export const indicatorNames = ["error-ratio", "latency-p95", "up"] as const;
export type IndicatorName = (typeof indicatorNames)[number];

/** Where the charts of a kind draw no limit: the guides' 1 %. */
const errorLimit = 0.01;
/** Fewer operations than this within a window say nothing. */
const fewest = 5;

const increase = (counter: string) => `sum(increase(${counter}[$window]))`;
const p95 = (buckets: string) => `histogram_quantile(0.95, sum by (le) (increase(${buckets}[$window])))`;
const enough = (value: string, count: string) => `(${value}) and (${count} >= ${fewest})`;
/** A counter that has not counted yet may have no series: that is 0 where there are operations at all. */
const share = (bad: string, all: string) => enough(`(${bad} or 0 * ${all}) / ${all}`, all);

type Expressions = { errors: string; latency: string };

/** What a synthetic client of the prober sees. Tokens are the issuer's, and a comparison of documents is no operation of a client. */
function probed(target: string, operations: { errors: string; latency: string }): Expressions {
  const all = `switchyard_probe_requests_total{$namespace,target="${target}",${operations.errors}`;
  const timed = `{$namespace,target="${target}",${operations.latency}}`;
  return {
    errors: share(increase(`${all},result!="ok"}`), increase(`${all}}`)),
    latency: enough(
      p95(`switchyard_probe_latency_seconds_bucket${timed}`),
      increase(`switchyard_probe_latency_seconds_count${timed}`),
    ),
  };
}

const received = increase("messages_received{$in}");
const protocolErrors = `(${increase("errors_total{$in}")} or 0 * ${received})`;

const byKind: Record<string, Expressions & { isProbed: boolean }> = {
  relay: {
    isProbed: true,
    ...probed("relay", { errors: 'operation!~"token|converge"', latency: 'operation!~"token|converge|connect"' }),
  },
  hub: {
    isProbed: true,
    ...probed("hub", { errors: 'operation!~"token|converge"', latency: 'operation!~"token|converge|connect|scan"' }),
  },
  connector: { isProbed: true, ...probed("hub", { errors: 'operation="scan"', latency: 'operation="scan"' }) },
  edge: {
    isProbed: false,
    errors: share(protocolErrors, `(${received} + ${protocolErrors})`),
    latency: enough(p95("request_duration_seconds_bucket{$in}"), increase("request_duration_seconds_count{$in}")),
  },
  prober: {
    isProbed: false,
    errors: share(
      increase('switchyard_probe_requests_total{$in,result!="ok"}'),
      increase("switchyard_probe_requests_total{$in}"),
    ),
    latency: enough(p95("switchyard_probe_latency_seconds_bucket{$in}"), increase("switchyard_probe_latency_seconds_count{$in}")),
  },
};

/**
 * The indicators of a service of this kind over `windowSeconds`, by preference: what the prober's clients see where it uses the
 * service, else what the service counts itself, else whether its instances answer.
 */
export function indicatorsOf(kind: string, ref: ServiceRef, windowSeconds: number): Indicator[] {
  const window = `${windowSeconds}s`;
  const fill = (expr: string) => fillWith(expr, ref, { $window: window, $wide: window }).text;
  const known = byKind[kind];
  if (!known) return [{ ...up, expr: fill("avg(up{$in})") }];
  const { errorRatio, latencyP95Seconds } = alarmLimits(kind);
  const who = known.isProbed ? " as the prober sees them" : "";
  const errors: Indicator = {
    name: "error-ratio",
    title: `Failed operations${who}`,
    unit: "ratio",
    limit: errorRatio ?? errorLimit,
    bad: "above",
    expr: fill(known.errors),
  };
  if (latencyP95Seconds === null) return [errors];
  const latency: Indicator = {
    name: "latency-p95",
    title: `p95 latency of operations${who}`,
    unit: "seconds",
    limit: latencyP95Seconds,
    bad: "above",
    expr: fill(known.latency),
  };
  return [errors, latency];
}

const up = { name: "up", title: "Share of instances that answer", unit: "ratio", limit: 1, bad: "below" } as const;

/** Which of a service's indicators stands behind alerts of these names; null when they do not tell. */
export function indicatorBehind(alerts: readonly string[]): IndicatorName | null {
  const isAbout = (pattern: RegExp) => alerts.some((name) => pattern.test(name));
  // That a budget burns does not tell which one.
  if (isAbout(/error(?!budget)|fail|lost|diverge|interrupt|down|gone|drop|disconnect/i)) return "error-ratio";
  return isAbout(/latency|slow|duration/i) ? "latency-p95" : null;
}

/** Whether a value lies on the bad side of the limit; null for what nobody could know. */
export function isBad({ bad, limit }: Pick<Indicator, "bad" | "limit">, value: number | null): boolean | null {
  if (value === null) return null;
  return bad === "above" ? value > limit : value < limit;
}
