import { alarmLimits } from "../../metrics/templates.ts";
import type { Analysis } from "../strategy.ts";

/**
 * What an analysis can measure, as PromQL. Placeholders beside those of lib/domain/metrics: `$by` is the label that tells candidate and
 * stable apart, and `$since` the time since the analysis began.
 */

/** The metrics by the names that a strategy chooses them by. */
export const metricNames = ["error-ratio", "latency-p95", "probe-success", "restarts"] as const;
export type MetricName = (typeof metricNames)[number];

/** How a metric is called and drawn. */
export type MetricInfo = {
  title: string;
  unit: "ratio" | "seconds" | "count";
  /** On which side of its limit it is bad. */
  bad: "above" | "below";
  /** What it judges, in one sentence. */
  about: string;
};

export const metricInfos: Record<MetricName, MetricInfo> = {
  "error-ratio": {
    title: "Error ratio",
    unit: "ratio",
    bad: "above",
    about: "Failed requests of the new version, against the limit of its kind and against the stable version in the same window.",
  },
  "latency-p95": {
    title: "Latency, p95",
    unit: "seconds",
    bad: "above",
    about: "What 95 % of the new version's requests take at most, against the limit of its kind and against the stable version.",
  },
  "probe-success": {
    title: "Prober's success",
    unit: "ratio",
    bad: "below",
    about: "Which share of a synthetic client's operations succeed, whichever version answers.",
  },
  restarts: {
    title: "Restarts",
    unit: "count",
    bad: "above",
    about: "Restarts of the new version's instances since the analysis began.",
  },
};

/** How people call a metric; one of an earlier version of Switchyard keeps its name. */
export function titleOf(metric: string): string {
  return metricInfos[metric as MetricName]?.title ?? metric;
}

/** A metric of one kind of service: its expressions, and the limit that it is held to; null where there is none. */
export type MetricTemplate =
  | { name: "error-ratio"; limit: number; expressions: { bad: string; all: string } }
  | { name: "latency-p95"; limit: number | null; expressions: { buckets: string } }
  | { name: "probe-success"; limit: number; expressions: { bad: string; all: string } }
  | { name: "restarts"; limit: number; expressions: { restarts: string; instances: string } };

/** Which share of requests may fail where the charts of a kind draw no limit: the guides' 1 %. */
const errorLimit = 0.01;
/** Which share of a synthetic client's operations must succeed: what is left by the guides' 1 %. */
const probeLimit = 0.99;

const increase = (counter: string) => `sum by ($by) (increase(${counter}[$window]))`;

function shares(kind: string, bad: string, all: string): MetricTemplate {
  const limit = alarmLimits(kind).errorRatio ?? errorLimit;
  return { name: "error-ratio", limit, expressions: { bad, all } };
}

function latency(kind: string, histogram: string): MetricTemplate {
  const buckets = `sum by ($by, le) (increase(${histogram}_bucket{$in}[$window]))`;
  return { name: "latency-p95", limit: alarmLimits(kind).latencyP95Seconds, expressions: { buckets } };
}

/** Tokens are the issuer's, and a comparison of documents is no operation of a client. */
function probes(target: string, operations = 'operation!~"token|converge"'): MetricTemplate {
  const all = `switchyard_probe_requests_total{$namespace,target="${target}",${operations}`;
  const bad = `sum(increase(${all},result!="ok"}[$window]))`;
  return { name: "probe-success", limit: probeLimit, expressions: { bad, all: `sum(increase(${all}}[$window]))` } };
}

const restarts: MetricTemplate = {
  name: "restarts",
  limit: 0,
  expressions: {
    restarts: "sum by ($by) (changes(process_start_time_seconds{$in}[$since]))",
    instances: "count by ($by) (process_start_time_seconds{$in})",
  },
};

const protocolShares = (kind: string) => {
  const bad = increase("errors_total{$in}");
  return shares(kind, bad, `${increase("messages_received{$in}")} + ${bad}`);
};

const operations = "materi_operations_processed_total";

const templatesByKind: Record<string, MetricTemplate[]> = {
  relay: [
    shares("relay", increase(`${operations}{$in,status="error"}`), increase(`${operations}{$in}`)),
    latency("relay", "materi_operation_latency_seconds"),
    probes("relay"),
    restarts,
  ],
  hub: [protocolShares("hub"), latency("hub", "request_duration_seconds"), probes("hub"), restarts],
  edge: [protocolShares("edge"), latency("edge", "request_duration_seconds"), restarts],
  connector: [
    // What asks for a target that is not allowed, or makes no sense, is its sender's fault.
    shares(
      "connector",
      increase('connector_scan_errors_total{$in,reason!~"target_refused|invalid_scan"}'),
      increase("connector_scans_total{$in}"),
    ),
    latency("connector", "connector_scan_duration_seconds"),
    probes("hub", 'operation="scan"'),
    restarts,
  ],
  prober: [
    shares(
      "prober",
      increase('switchyard_probe_requests_total{$in,result!="ok"}'),
      increase("switchyard_probe_requests_total{$in}"),
    ),
    latency("prober", "switchyard_probe_latency_seconds"),
    restarts,
  ],
};

/** What can be measured of a service of this kind; of an unknown one its restarts. */
export function metricsOf(kind: string): MetricTemplate[] {
  return templatesByKind[kind] ?? [restarts];
}

/** A metric of a kind of service; null when it has none of this name. */
export function findMetric(kind: string, name: string): MetricTemplate | null {
  return metricsOf(kind).find((template) => template.name === name) ?? null;
}

/** The analysis with those of its metrics that a service of this kind has; a default fits every kind this way. */
export function fitAnalysis<A extends Pick<Analysis, "metrics">>(settings: A, kind: string): A {
  return { ...settings, metrics: settings.metrics.filter((name) => findMetric(kind, name) !== null) };
}

/** The names in an analysis that a service of this kind has no metric for. */
export function unknownMetrics({ metrics }: Pick<Analysis, "metrics">, kind: string): string[] {
  return metrics.filter((name) => findMetric(kind, name) === null);
}
