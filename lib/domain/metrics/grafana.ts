import { authorise, type ConsoleContext } from "../context.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { type PanelDefinition, readPanelSet } from "./definitions.ts";
import { fillWith } from "./expression.ts";
import type { Unit } from "./schemas.ts";
import { requireService } from "./target.ts";

// The classic dashboard model of Grafana, as its documentation and kinds/dashboard/dashboard_kind.cue describe it. Newer versions of
// Grafana bring an older schemaVersion up to their own when they load it.
const schemaVersion = 39;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own way to name a variable
const datasource = { type: "prometheus", uid: "${datasource}" };

// Grafana's own window of a rate is made as ours: four scrapes or more, and no less than a step.
const windows = { $window: "$__rate_interval", $wide: "10m" };

/** Units by their ids in Grafana (packages/grafana-data/src/valueFormats). */
const grafanaUnits: Record<Unit, string> = {
  "per-second": "cps",
  ratio: "percentunit",
  seconds: "s",
  count: "short",
  bytes: "bytes",
  cores: "none",
};

export type GrafanaDashboard = ReturnType<typeof toDashboard>;

/** A service's charts as a dashboard that Grafana imports; its data source is a variable, chosen in Grafana. */
export async function exportDashboard(
  context: ConsoleContext,
  ref: unknown,
): Promise<{ fileName: string; dashboard: GrafanaDashboard }> {
  authorise(context, "viewer", "see charts");
  const service = await requireService(context, ref);
  const { shown } = await readPanelSet(context, service, service.kind);
  return { fileName: `${service.namespace}-${service.name}.json`, dashboard: toDashboard(service, shown) };
}

/** Pure. */
export function toDashboard(service: ServiceRef, panels: readonly PanelDefinition[]) {
  return {
    id: null,
    uid: null,
    title: `${service.namespace}/${service.name}`,
    description: "Exported from Switchyard.",
    tags: ["switchyard", service.namespace],
    timezone: "browser",
    editable: true,
    graphTooltip: 1,
    schemaVersion,
    version: 0,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    timepicker: {},
    annotations: { list: [] },
    links: [],
    templating: {
      list: [
        { type: "datasource", name: "datasource", label: "Prometheus", query: "prometheus", hide: 0, refresh: 1, regex: "" },
      ],
    },
    panels: panels.map((panel, index) => toPanel(panel, service, index)),
  };
}

function toPanel(panel: PanelDefinition, service: ServiceRef, index: number) {
  const { title, unit, style, limit, states, queries, seriesLabel } = panel;
  const isStacked = style === "stacked";
  return {
    id: index + 1,
    type: "timeseries",
    title,
    datasource,
    gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
    targets: queries.map(({ name, expr }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      editorMode: "code",
      range: true,
      expr: fillWith(expr, service, windows).text,
      legendFormat: [name, seriesLabel && `{{${seriesLabel}}}`].filter(Boolean).join(" ") || "__auto",
    })),
    fieldConfig: {
      defaults: {
        unit: grafanaUnits[unit],
        min: 0,
        color: { mode: "palette-classic" },
        custom: {
          drawStyle: "line",
          lineWidth: 1,
          fillOpacity: isStacked ? 25 : 0,
          showPoints: "never",
          spanNulls: false,
          stacking: { mode: isStacked ? "normal" : "none", group: "A" },
          thresholdsStyle: { mode: limit ? "line" : "off" },
        },
        thresholds: {
          mode: "absolute",
          steps: [{ color: "green", value: null }, ...(limit ? [{ color: "red", value: limit.value }] : [])],
        },
        mappings: states ? [{ type: "value", options: toMapping(states) }] : [],
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: ["lastNotNull"] },
      tooltip: { mode: "multi", sort: "none" },
    },
  };
}

function toMapping(states: NonNullable<PanelDefinition["states"]>): Record<string, { text: string; index: number }> {
  return Object.fromEntries(states.map(({ value, label }, index) => [`${value}`, { text: label, index }]));
}
