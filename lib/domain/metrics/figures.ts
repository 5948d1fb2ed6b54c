import type { PrometheusClient, PrometheusSample } from "#lib/prometheus/client.ts";
import type { InstanceFigures, ServiceFigures, ServiceRef } from "../fleet/schemas.ts";
import { rateWindow, serviceMatchers } from "./expression.ts";

const by = "by (namespace, service)";

/** Expressions that give each service's figures at once, whatever its kind; `$window` is filled in. */
const fleetExpressions = {
  requestsPerSecond: [
    `sum ${by} (rate(materi_operations_processed_total[$window]))`,
    `sum ${by} (rate(messages_received{kind=~"hub|edge"}[$window]))`,
    `sum ${by} (rate(connector_scans_total{kind="connector"}[$window]))`,
    `sum ${by} (rate(switchyard_probe_requests_total[$window]))`,
  ].join(" or "),
  errorRatio: [
    ratio('materi_operations_processed_total{status="error"}', "materi_operations_processed_total"),
    `sum ${by} (rate(errors_total{kind=~"hub|edge"}[$window])) / (sum ${by} (rate(messages_received{kind=~"hub|edge"}[$window])) + sum ${by} (rate(errors_total{kind=~"hub|edge"}[$window])))`,
    ratio(
      'connector_scan_errors_total{kind="connector",reason!~"target_refused|invalid_scan"}',
      'connector_scans_total{kind="connector"}',
    ),
    ratio('switchyard_probe_requests_total{result!="ok"}', "switchyard_probe_requests_total"),
  ].join(" or "),
  latencyP95Seconds: [
    p95("materi_operation_latency_seconds", ""),
    p95("request_duration_seconds", '{kind=~"hub|edge"}'),
    p95("connector_scan_duration_seconds", '{kind="connector"}'),
    p95("switchyard_probe_latency_seconds", ""),
  ].join(" or "),
} as const;

function ratio(bad: string, all: string): string {
  return `(sum ${by} (rate(${bad}[$window])) or 0 * sum ${by} (rate(${all}[$window]))) / sum ${by} (rate(${all}[$window]))`;
}

function p95(histogram: string, matchers: string): string {
  return `histogram_quantile(0.95, sum by (namespace, service, le) (rate(${histogram}_bucket${matchers}[$window])))`;
}

const figuresWindowSeconds = 15;

type FiguresOptions = { at?: Date; windowSeconds?: number; of?: ServiceRef };

/**
 * The figures of every service, by id, over the seconds before a moment: three queries whatever the size of the fleet. With `of` only
 * that service's series are read.
 */
export async function queryFleetFigures(
  prometheus: PrometheusClient,
  scrapeSeconds: number,
  { at, windowSeconds = figuresWindowSeconds, of }: FiguresOptions = {},
): Promise<Record<string, ServiceFigures>> {
  const window = `${rateWindow(windowSeconds, scrapeSeconds)}s`;
  const names = Object.keys(fleetExpressions) as (keyof ServiceFigures)[];
  const ask = (name: keyof ServiceFigures) => {
    const expr = of ? narrow(fleetExpressions[name], serviceMatchers(of)) : fleetExpressions[name];
    return prometheus.query(expr.replaceAll("$window", window), { at });
  };
  const answers = await Promise.all(names.map(ask));
  const figures: Record<string, ServiceFigures> = {};
  for (const [index, name] of names.entries()) {
    for (const { labels, value } of answers[index] ?? []) {
      const id = `${labels.namespace}/${labels.service}`;
      figures[id] ??= { requestsPerSecond: null, errorRatio: null, latencyP95Seconds: null };
      figures[id][name] = value;
    }
  }
  return figures;
}

/** Adds matchers to every selector of an expression: each stands before a window. */
function narrow(expr: string, matchers: string): string {
  return expr
    .replaceAll("}[$window]", () => `,${matchers}}[$window]`)
    .replaceAll(/\w(?=\[\$window\])/g, (end) => `${end}{${matchers}}`);
}

/** CPU and memory of each of a service's instances, by pod name. */
export async function queryInstanceFigures(
  prometheus: PrometheusClient,
  serviceId: string,
  scrapeSeconds: number,
): Promise<Record<string, InstanceFigures>> {
  const [namespace = "", name = ""] = serviceId.split("/");
  const matchers = serviceMatchers({ namespace, name });
  const window = rateWindow(figuresWindowSeconds, scrapeSeconds);
  const [cpu, memory] = await Promise.all([
    prometheus.query(`sum by (pod) (rate(process_cpu_seconds_total{${matchers}}[${window}s]))`),
    prometheus.query(`sum by (pod) (process_resident_memory_bytes{${matchers}})`),
  ]);
  const figures: Record<string, InstanceFigures> = {};
  for (const { pod, value } of byPod(cpu)) figures[pod] = { cpuCores: value, memoryBytes: null };
  for (const { pod, value } of byPod(memory)) figures[pod] = { cpuCores: figures[pod]?.cpuCores ?? null, memoryBytes: value };
  return figures;
}

function byPod(samples: readonly PrometheusSample[]): { pod: string; value: number | null }[] {
  return samples.flatMap(({ labels, value }) => (labels.pod ? [{ pod: labels.pod, value }] : []));
}

/** Live connections of a service now, from whichever gauge it exports; null when it exports none. */
export async function queryConnections(prometheus: PrometheusClient, serviceId: string): Promise<number | null> {
  const [namespace = "", name = ""] = serviceId.split("/");
  const matchers = serviceMatchers({ namespace, name });
  const [sample] = await prometheus.query(
    `sum(materi_websocket_connections_active{${matchers}}) or sum(connections_active{${matchers}})`,
  );
  return sample?.value ?? null;
}
