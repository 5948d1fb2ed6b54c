import { availability, byPod, cpu, lines, memory, percentiles, rateBy, ratio, restarts, stateByPod } from "./charts.ts";
import { type OwnCounts, ownCountsOf, select } from "./indicators.ts";
import type { Panel } from "./schemas.ts";

/**
 * Which charts a service of each kind has, as data. In an expression `$in` stands for the matchers of the service, `$namespace` for
 * the one of its namespace, `$window` for the window of a rate. `metrics` are the names of the service's own without which the
 * chart cannot have data.
 */
export type PanelTemplate = Pick<Panel, "id" | "title" | "unit" | "limit" | "style" | "states" | "queries" | "seriesLabel"> & {
  metrics: string[];
};

const process = [memory, cpu, restarts];

const messages = lines("rate", "Messages", "per-second", ["messages_received", "messages_sent"], {
  received: "sum(rate(messages_received{$in}[$window]))",
  sent: "sum(rate(messages_sent{$in}[$window]))",
});

/** Bad requests by all of a kind, as it counts them itself (indicators.ts). */
function ownErrors(kind: string, limit: PanelTemplate["limit"]): PanelTemplate {
  const { all, bad } = countsOf(kind);
  const total = all.map((series) => select(series, "$in"));
  // A counter of failures alone may have no series until the first.
  const metrics = [...new Set([...all, bad].map(({ metric }) => metric))].slice(-1);
  return { ...lines("error-ratio", "Error ratio", "ratio", metrics, { errors: ratio(select(bad, "$in"), ...total) }), limit };
}

function ownLatency(kind: string, title: string, limit: PanelTemplate["limit"]): PanelTemplate {
  return percentiles("latency", title, countsOf(kind).seconds, limit);
}

function countsOf(kind: string): OwnCounts {
  const counts = ownCountsOf(kind);
  if (!counts) throw new Error(`nothing is known of what a ${kind} counts`);
  return counts;
}

const protocolErrors = byPod("errors", "Errors", "per-second", "errors_total", {
  expr: "sum by (pod) (rate(errors_total{$in}[$window]))",
  style: "stacked",
  limit: { value: 10, label: "alert, all instances" },
});

const requestLatency = ownLatency("hub", "Request latency", { value: 1, label: "p99 alert" });
const connections = byPod("connections", "Active connections", "count", "connections_active", { style: "stacked" });
const hubConnection = (metric: string) =>
  stateByPod("hub-connection", "Connection to the hub", metric, ["disconnected", "connected"]);
const handshakes = byPod("handshakes", "Handshakes", "per-second", "handshakes_total", {
  expr: "sum by (pod) (rate(handshakes_total{$in}[$window]))",
  style: "stacked",
});

const relay: PanelTemplate[] = [
  rateBy("rate", "Operations by type", "materi_operations_processed_total", "operation_type"),
  ownErrors("relay", { value: 0.01, label: "1 % alert" }),
  ownLatency("relay", "Operation latency", { value: 0.05, label: "p95 alert" }),
  byPod("connections", "WebSocket connections", "count", "materi_websocket_connections_active", { style: "stacked" }),
  availability("relay"),
  rateBy("status", "Operations by status", "materi_operations_processed_total", "status"),
  lines("presence", "Presence broadcasts", "per-second", ["materi_presence_broadcasts_total"], {
    broadcasts: "sum(rate(materi_presence_broadcasts_total{$in}[$window]))",
  }),
  lines("refused", "Connections refused and closed", "per-second", ["materi_slow_consumers_total"], {
    // A status has its series from its first refusal on: none yet is 0.
    refused:
      "sum(rate(materi_connections_refused_total{$in}[$window])) or 0 * sum(rate(materi_slow_consumers_total{$in}[$window]))",
    "closed, did not read": "sum(rate(materi_slow_consumers_total{$in}[$window]))",
  }),
  ...process,
];

const hub: PanelTemplate[] = [
  messages,
  ownErrors("hub", null),
  requestLatency,
  connections,
  availability("hub"),
  lines("handshakes", "Handshakes", "per-second", ["handshakes_total", "hub_rejected_connections_total"], {
    done: "sum(rate(handshakes_total{$in}[$window]))",
    rejected: "sum(rate(hub_rejected_connections_total{$in}[$window]))",
  }),
  protocolErrors,
  lines("scans", "Scans", "count", ["hub_scans_running", "hub_scans_waiting"], {
    running: "sum(hub_scans_running{$in})",
    "waiting for a connector": "sum(hub_scans_waiting{$in})",
  }),
  lines("edge-messages", "Messages of edges", "per-second", ["hub_edge_messages_total", "hub_edge_missing_total"], {
    counted: "sum(rate(hub_edge_messages_total{$in}[$window]))",
    "dropped by edges": "sum(rate(hub_edge_missing_total{$in}[$window]))",
    duplicates: "sum(rate(hub_edge_duplicates_total{$in}[$window]))",
  }),
  {
    ...rateBy("peers", "Peers by role", "hub_peers", "role"),
    unit: "count",
    queries: [{ name: "", expr: "sum by (role) (hub_peers{$in})" }],
  },
  ...process,
];

const edge: PanelTemplate[] = [
  messages,
  ownErrors("edge", null),
  requestLatency,
  byPod("buffer", "Offline buffer depth", "count", "edge_buffer_depth", {
    limit: { value: 10_000, label: "full, one instance" },
  }),
  byPod("dropped", "Readings dropped", "per-second", "edge_dropped_total", {
    expr: "sum by (pod) (rate(edge_dropped_total{$in}[$window]))",
    style: "stacked",
  }),
  stateByPod("breaker", "Circuit breaker to the hub", "edge_breaker_state", ["closed", "half-open", "open"]),
  hubConnection("edge_hub_connected"),
  availability(null),
  handshakes,
  connections,
  protocolErrors,
  lines("readings", "Readings of sensors", "per-second", ["edge_readings_total"], {
    written: "sum(rate(edge_readings_total{$in}[$window]))",
    "refused lines": "sum(rate(edge_refused_lines_total{$in}[$window]))",
    "not kept, disk": "sum(rate(edge_not_kept_total{$in}[$window]))",
  }),
  ...process,
];

const connector: PanelTemplate[] = [
  lines("rate", "Scans", "per-second", ["connector_scans_total"], {
    scans: "sum(rate(connector_scans_total{$in}[$window]))",
  }),
  ownErrors("connector", null),
  ownLatency("connector", "Scan duration", null),
  lines("running", "Scans running, against the limit", "count", ["connector_scans_running", "connector_scans_limit"], {
    running: "sum(connector_scans_running{$in})",
    limit: "sum(connector_scans_limit{$in})",
  }),
  hubConnection("connector_hub_connected"),
  availability("hub", 'operation="scan"'),
  rateBy("errors", "Scans refused or failed, by reason", "connector_scan_errors_total", "reason"),
  lines("results", "Results that wait for a hub", "count", ["connector_results_held"], {
    held: "sum(connector_results_held{$in})",
    "given up in 10 min": "sum(increase(connector_results_dropped_total{$in}[$wide]))",
  }),
  handshakes,
  ...process,
];

const issuer: PanelTemplate[] = [
  rateBy("rate", "Tokens asked for", "issuer_tokens_total", "result"),
  byPod("keys", "Published keys", "count", "issuer_keys"),
  availability(null),
  ...process,
];

const prober: PanelTemplate[] = [
  {
    ...rateBy("rate", "Probes", "switchyard_probe_requests_total", "probe"),
    queries: [
      {
        name: "",
        expr: 'sum by (probe) (label_join(rate(switchyard_probe_requests_total{$in}[$window]), "probe", " ", "target", "operation"))',
      },
    ],
  },
  ownErrors("prober", { value: 0.01, label: "1 %" }),
  ownLatency("prober", "End-to-end latency", null),
  {
    ...stateByPod("up", "Targets, as synthetic clients see them", "switchyard_probe_up", ["down", "up"]),
    queries: [{ name: "", expr: "min by (target) (switchyard_probe_up{$in})" }],
    seriesLabel: "target",
  },
  lines("ledger", "Operations lost, duplicated, reordered in 10 min", "count", ["switchyard_probe_lost_total"], {
    lost: "sum(increase(switchyard_probe_lost_total{$in}[$wide]))",
    duplicated: "sum(increase(switchyard_probe_duplicated_total{$in}[$wide]))",
    reordered: "sum(increase(switchyard_probe_reordered_total{$in}[$wide]))",
  }),
  availability(null),
  ...process,
];

const controller: PanelTemplate[] = [
  rateBy("rate", "Passes of the control loops", "switchyard_controller_passes_total", "loop"),
  {
    ...lines("error-ratio", "Passes that failed", "ratio", ["switchyard_controller_passes_total"], {
      failed: ratio('switchyard_controller_passes_total{$in,result!="ok"}', "switchyard_controller_passes_total{$in}"),
    }),
  },
  {
    ...lines("age", "Since the last pass that succeeded", "seconds", ["switchyard_controller_last_pass_timestamp_seconds"], {
      "": "time() - max by (loop) (switchyard_controller_last_pass_timestamp_seconds{$in})",
    }),
    seriesLabel: "loop",
  },
  {
    ...lines("alerts", "Alerts that fire, by source", "count", ["switchyard_alerts_open"], {
      "": "max by (source) (switchyard_alerts_open{$in})",
    }),
    seriesLabel: "source",
  },
  rateBy("notifications", "Attempts to notify", "switchyard_notification_attempts_total", "outcome"),
  availability(null),
  ...process,
];

/** The charts by kind of service; a kind without an entry gets what every process exports. */
export const panelTemplates: Record<string, PanelTemplate[]> = {
  relay,
  hub,
  edge,
  connector,
  issuer,
  prober,
  // Switchyard's own controller, as its discovery labels it.
  switchyard: controller,
};

/** The charts of a service of this kind. */
export function templatesFor(kind: string): PanelTemplate[] {
  return panelTemplates[kind] ?? [availability(null), ...process];
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
