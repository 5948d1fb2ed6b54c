import type { Panel } from "./schemas.ts";

/**
 * Which charts a service of each kind has. In an expression `$in` stands for the matchers of the service and `$window` for the
 * window of a rate. `metrics` are the names without which the chart cannot have data.
 */
export type PanelTemplate = Pick<Panel, "id" | "title" | "unit" | "limit" | "style"> & {
  metrics: string[];
  queries: { name: string; expr: string }[];
  /** Set when a query gives one series per value of this label, which then names the series. */
  seriesLabel?: string;
};

const noLimit = null;

function rate(id: string, title: string, metric: string, label: string): PanelTemplate {
  return {
    id,
    title,
    unit: "per-second",
    limit: noLimit,
    style: "stacked",
    metrics: [metric],
    queries: [{ name: "", expr: `sum by (${label}) (rate(${metric}{$in}[$window]))` }],
    seriesLabel: label,
  };
}

function errorRatio(metric: string, bad: string, limit: Panel["limit"]): PanelTemplate {
  return {
    id: "error-ratio",
    title: "Error ratio",
    unit: "ratio",
    limit,
    style: "lines",
    metrics: [metric],
    queries: [{ name: "errors", expr: ratio(`${metric}{$in,${bad}}`, `${metric}{$in}`) }],
  };
}

/** Bad by all; 0 while there is traffic and no bad series at all. */
function ratio(bad: string, all: string): string {
  return `(sum(rate(${bad}[$window])) or 0 * sum(rate(${all}[$window]))) / sum(rate(${all}[$window]))`;
}

function percentiles(id: string, title: string, histogram: string, limit: Panel["limit"]): PanelTemplate {
  const quantile = (q: number) => `histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{$in}[$window])))`;
  return {
    id,
    title,
    unit: "seconds",
    limit,
    style: "percentiles",
    metrics: [`${histogram}_bucket`],
    queries: [
      { name: "p50", expr: quantile(0.5) },
      { name: "p95", expr: quantile(0.95) },
      { name: "p99", expr: quantile(0.99) },
    ],
  };
}

function byPod(id: string, title: string, unit: Panel["unit"], metric: string, style: Panel["style"] = "lines"): PanelTemplate {
  return {
    id,
    title,
    unit,
    limit: noLimit,
    style,
    metrics: [metric],
    queries: [{ name: "", expr: `sum by (pod) (${metric}{$in})` }],
    seriesLabel: "pod",
  };
}

const memory = byPod("memory", "Memory", "bytes", "process_resident_memory_bytes");
const cpu: PanelTemplate = {
  ...byPod("cpu", "CPU", "cores", "process_cpu_seconds_total"),
  queries: [{ name: "", expr: "sum by (pod) (rate(process_cpu_seconds_total{$in}[$window]))" }],
};

const messages: PanelTemplate = {
  id: "rate",
  title: "Messages",
  unit: "per-second",
  limit: noLimit,
  style: "lines",
  metrics: ["messages_received", "messages_sent"],
  queries: [
    { name: "received", expr: "sum(rate(messages_received{$in}[$window]))" },
    { name: "sent", expr: "sum(rate(messages_sent{$in}[$window]))" },
  ],
};

const protocolErrors: PanelTemplate = {
  id: "error-ratio",
  title: "Error ratio",
  unit: "ratio",
  limit: noLimit,
  style: "lines",
  metrics: ["errors_total"],
  queries: [
    {
      name: "errors",
      expr: "sum(rate(errors_total{$in}[$window])) / (sum(rate(messages_received{$in}[$window])) + sum(rate(errors_total{$in}[$window])))",
    },
  ],
};

const requestLatency = percentiles("latency", "Request latency", "request_duration_seconds", { value: 1, label: "p99 alert" });
const connections = byPod("connections", "Connections", "count", "connections_active", "stacked");

const probes: PanelTemplate[] = [
  {
    ...rate("rate", "Probes", "switchyard_probe_requests_total", "target"),
    queries: [
      {
        name: "",
        expr: 'sum by (probe) (label_join(rate(switchyard_probe_requests_total{$in}[$window]), "probe", " ", "target", "operation"))',
      },
    ],
    seriesLabel: "probe",
  },
  errorRatio("switchyard_probe_requests_total", 'result!="ok"', { value: 0.01, label: "1 %" }),
  percentiles("latency", "End-to-end latency", "switchyard_probe_latency_seconds", noLimit),
  memory,
  cpu,
];

/** The charts by kind of service; a kind without an entry gets what every process exports. */
export const panelTemplates: Record<string, PanelTemplate[]> = {
  relay: [
    rate("rate", "Operations", "materi_operations_processed_total", "operation_type"),
    errorRatio("materi_operations_processed_total", 'status="error"', { value: 0.01, label: "1 % alert" }),
    percentiles("latency", "Operation latency", "materi_operation_latency_seconds", { value: 0.05, label: "p95 alert" }),
    byPod("connections", "WebSocket connections", "count", "materi_websocket_connections_active", "stacked"),
    memory,
    cpu,
  ],
  hub: [messages, protocolErrors, requestLatency, connections, memory, cpu],
  edge: [
    messages,
    protocolErrors,
    requestLatency,
    byPod("buffer", "Offline buffer", "count", "edge_buffer_depth", "stacked"),
    memory,
    cpu,
  ],
  connector: [
    {
      ...rate("rate", "Scans", "connector_scans_total", "pod"),
      queries: [{ name: "scans", expr: "sum(rate(connector_scans_total{$in}[$window]))" }],
      style: "lines",
      seriesLabel: undefined,
    },
    {
      ...errorRatio("connector_scans_total", "", noLimit),
      metrics: ["connector_scans_total"],
      queries: [{ name: "errors", expr: ratio("connector_scan_errors_total{$in}", "connector_scans_total{$in}") }],
    },
    percentiles("latency", "Scan duration", "connector_scan_duration_seconds", noLimit),
    byPod("running", "Scans running", "count", "connector_scans_running", "stacked"),
    memory,
    cpu,
  ],
  prober: probes,
};

/** The charts of a service of this kind. */
export function templatesFor(kind: string): PanelTemplate[] {
  return panelTemplates[kind] ?? [cpu, memory];
}

/** The figures over which a service of this kind is in alarm: the limits that its charts draw; null where there is none. */
export function alarmLimits(kind: string): { errorRatio: number | null; latencyP95Seconds: number | null } {
  const limitOf = (id: string) => templatesFor(kind).find((template) => template.id === id)?.limit?.value ?? null;
  return { errorRatio: limitOf("error-ratio"), latencyP95Seconds: limitOf("latency") };
}

/** Whether a figure is over its limit. What was not measured, or has no limit, is not. */
export function isAlarm(value: number | null | undefined, limit: number | null): boolean {
  return value != null && limit !== null && value > limit;
}
