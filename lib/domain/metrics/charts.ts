import type { Panel, Unit } from "./schemas.ts";
import type { PanelTemplate } from "./templates.ts";

// The forms of charts from which the kinds' charts are made.

type Limit = Panel["limit"];

const plain = { limit: null, style: "lines", states: null, seriesLabel: null } as const;

/** A line for each query, by its name. */
export function lines(id: string, title: string, unit: Unit, metrics: string[], queries: Record<string, string>): PanelTemplate {
  return { ...plain, id, title, unit, metrics, queries: Object.entries(queries).map(([name, expr]) => ({ name, expr })) };
}

/** A counter per second, stacked by the values of a label. */
export function rateBy(id: string, title: string, metric: string, label: string): PanelTemplate {
  const expr = `sum by (${label}) (rate(${metric}{$in}[$window]))`;
  const queries = [{ name: "", expr }];
  return { ...plain, id, title, unit: "per-second", style: "stacked", metrics: [metric], queries, seriesLabel: label };
}

/** A line for each instance. */
export function byPod(
  id: string,
  title: string,
  unit: Unit,
  metric: string,
  options: { expr?: string; style?: Panel["style"]; limit?: Limit } = {},
): PanelTemplate {
  const { expr = `sum by (pod) (${metric}{$in})`, style = "lines", limit = null } = options;
  return { ...plain, id, title, unit, style, limit, metrics: [metric], queries: [{ name: "", expr }], seriesLabel: "pod" };
}

/** A gauge of each instance whose values are states: the words for 0, 1, ... */
export function stateByPod(id: string, title: string, metric: string, words: string[]): PanelTemplate {
  const template = byPod(id, title, "count", metric, { expr: `max by (pod) (${metric}{$in})` });
  return { ...template, states: words.map((label, value) => ({ value, label })) };
}

/** The 50th, 95th and 99th percentile of a histogram over all instances. */
export function percentiles(id: string, title: string, histogram: string, limit: Limit): PanelTemplate {
  const quantile = (q: number) => `histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{$in}[$window])))`;
  const queries = [
    { name: "p50", expr: quantile(0.5) },
    { name: "p95", expr: quantile(0.95) },
    { name: "p99", expr: quantile(0.99) },
  ];
  return { ...plain, id, title, unit: "seconds", limit, style: "percentiles", metrics: [`${histogram}_bucket`], queries };
}

/** Bad by the sum of all; 0 while there is traffic and no bad series at all. */
export function ratio(bad: string, ...all: string[]): string {
  const sums = all.map((series) => `sum(rate(${series}[$window]))`).join(" + ");
  const total = all.length > 1 ? `(${sums})` : sums;
  return `(sum(rate(${bad}[$window])) or 0 * ${total}) / ${total}`;
}

/** Which share of a synthetic client's operations succeed, where the prober knows the target, and of the instances answer a scrape. */
export function availability(target: string | null, operation = ""): PanelTemplate {
  const probes = `switchyard_probe_requests_total{$namespace,target="${target}"${operation && `,${operation}`}`;
  const seen = `sum(rate(${probes},result="ok"}[$window])) / sum(rate(${probes}}[$window]))`;
  return lines("availability", "Availability", "ratio", ["up"], {
    ...(target === null ? {} : { "prober's operations": seen }),
    "instances that answer": "avg(up{$in})",
  });
}

export const memory = byPod("memory", "Memory", "bytes", "process_resident_memory_bytes");
export const cpu = byPod("cpu", "CPU", "cores", "process_cpu_seconds_total", {
  expr: "sum by (pod) (rate(process_cpu_seconds_total{$in}[$window]))",
});
// A restart takes longer than a short window, which would then hold the old process or the new one and never both.
export const restarts = byPod("restarts", "Restarts in 10 min", "count", "process_start_time_seconds", {
  expr: "sum by (pod) (changes(process_start_time_seconds{$in}[$wide]))",
  style: "stacked",
});
