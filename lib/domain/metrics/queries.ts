import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { splitByTrack } from "./by-track.ts";
import { type PanelSet, readPanelSet } from "./definitions.ts";
import { serviceMatchers } from "./expression.ts";
import { type PanelData, readPanel, toPanel } from "./panel-data.ts";
import { metricsOfService, parseExpression } from "./promql.ts";
import { firstUnsettled, readSpan, type Span, type Window } from "./range.ts";
import { type MetricNames, type PanelPreview, type PanelsAnswer, panelsQuerySchema, previewPanelSchema } from "./schemas.ts";
import { type ChartedService, requireService } from "./target.ts";

/** `scrapeSeconds`: how often Prometheus scrapes the fleet. `prometheusUrl`: where a browser finds Prometheus; null for nowhere. */
export type MetricsSettings = { scrapeSeconds: number; prometheusUrl: string | null };

const keepMs = 30_000;
const keepUnsettledMs = 1_000;
const keepNamesMs = 30_000;

/** The charts of a service over a time, with their data or the reason why there is none. */
export async function getPanels(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  query: unknown,
): Promise<PanelsAnswer> {
  const request = await readRequest(context, settings, ref, query);
  return (await answerPanels(context, settings, request)).answer;
}

/** The same as JSON text in UTF-8: one answer for all viewers who want the same at the same time. Not to be changed. */
export async function getPanelsJson(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  query: unknown,
): Promise<Uint8Array<ArrayBuffer>> {
  const request = await readRequest(context, settings, ref, query);
  const { service, span, set } = request;
  const { from, to, stepSeconds } = span.window;
  const key = `answer ${service.id} ${set.key} ${span.range} ${from} ${to} ${stepSeconds} ${span.shiftSeconds} ${span.since}`;
  return context.panels.reads.get(key, async () => {
    const { answer, isFinal } = await answerPanels(context, settings, request);
    const json = Buffer.from(JSON.stringify(answer));
    return { value: json, keepMs: isFinal ? keepMs : keepUnsettledMs, bytes: json.byteLength };
  });
}

type Request = { service: ChartedService; span: Span; set: PanelSet };

async function readRequest(context: ConsoleContext, settings: MetricsSettings, ref: unknown, query: unknown): Promise<Request> {
  authorise(context, "viewer", "see charts");
  const service = await requireService(context, ref);
  const parsed = parseInput(panelsQuerySchema, query);
  const span = readSpan(parsed, context.clock(), settings.scrapeSeconds);
  const all = await readPanelSet(context, service, service.kind);
  const set = parsed.by === "track" ? splitByTrack(all) : all;
  return { service, span, set: parsed.panel === undefined ? set : pickPanel(set, parsed.panel) };
}

function pickPanel(set: PanelSet, id: string): PanelSet {
  const picked = set.shown.find((definition) => definition.id === id) ?? set.shown[0];
  return { ...set, key: `${set.key} ${picked?.id}`, shown: picked ? [picked] : [], hidden: [] };
}

async function answerPanels(
  context: ConsoleContext,
  settings: MetricsSettings,
  { service, span, set }: Request,
): Promise<{ answer: PanelsAnswer; isFinal: boolean }> {
  const { window, range, shiftSeconds, since } = span;
  const isTail = since !== null && since > window.from && since <= window.to;
  const pointsFrom = isTail ? since : window.from;
  const data = await Promise.all(set.shown.map((definition) => readPanel(context, settings, definition, service, span)));
  const panels = await Promise.all(
    data.map((one) => toPanel(one, { pointsFrom, shiftSeconds, emptyProblem: () => explain(context, service, one, window) })),
  );
  // A chart that has no data at all yet takes no tail: its shape will tell when it has.
  const reached = data.filter(({ at }) => at !== null).map(({ dataTo }) => dataTo);
  const tailSince = Math.max(window.from, firstUnsettled({ ...window, to: Math.min(window.to, ...reached) }));
  const { from, to, stepSeconds } = window;
  const compare = shiftSeconds === null ? null : shiftSeconds === 86_400 ? "day" : "week";
  const { hidden, notice } = set;
  const answer = { range, from, to, stepSeconds, compare, isTail, tailSince, notice, panels, hidden } as const;
  return { answer, isFinal: notice === null && data.every(({ problem, dataTo }) => problem === null && dataTo === to) };
}

/** The chart of a form that is not saved yet, drawn over a time. Throws invalid-input for an expression that cannot be read. */
export async function previewPanel(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  input: unknown,
  query: unknown,
): Promise<PanelPreview> {
  authorise(context, "operator", "try expressions");
  const service = await requireService(context, ref);
  const { replaces, ...fields } = parseInput(previewPanelSchema, input);
  for (const [index, { expr }] of fields.queries.entries()) {
    const [error] = parseExpression(expr, service, settings.scrapeSeconds).errors;
    if (error) throw new DomainError("invalid-input", error.message, { fields: { [`queries.${index}.expr`]: [error.message] } });
  }
  const span = readSpan(parseInput(panelsQuerySchema, query), context.clock(), settings.scrapeSeconds);
  const metrics = fields.queries.flatMap(({ expr }) => metricsOfService(expr));
  const definition = {
    ...fields,
    id: replaces ?? "preview",
    origin: "added",
    panelId: null,
    version: 0,
    states: null,
    metrics,
  } as const;
  const data = await readPanel(context, settings, definition, service, span);
  const { window, range, shiftSeconds } = span;
  const emptyProblem = () => explain(context, service, data, window);
  const panel = await toPanel(data, { pointsFrom: window.from, shiftSeconds, emptyProblem });
  return { range, from: window.from, to: window.to, stepSeconds: window.stepSeconds, panel };
}

/** The names of the metrics that a service had in the last hour. */
export async function listMetrics(context: ConsoleContext, ref: unknown): Promise<MetricNames> {
  authorise(context, "viewer", "see charts");
  const service = await requireService(context, ref);
  const to = Math.floor(context.clock().getTime() / 1000);
  return { names: (await listNames(context, service, { from: to - 3600, to })) ?? [] };
}

async function explain(context: ConsoleContext, service: ChartedService, panel: PanelData, window: Window): Promise<string> {
  return explainEmpty(panel.metrics, await listNames(context, service, window));
}

/**
 * Why a chart that Prometheus answered has nothing to draw. `metrics` are those of the service's own that it needs; `names` are the
 * service's metrics in the time, null when not known.
 */
export function explainEmpty(metrics: readonly string[], names: readonly string[] | null): string {
  if (names === null || metrics.length === 0) return "Prometheus has no data for this chart.";
  if (names.length === 0)
    return "Prometheus has nothing of this service in this time: it did not scrape it then, or what it had is gone. If it never does, check the prometheus.io annotations.";
  if (names.every((name) => name === "up" || name.startsWith("scrape_"))) {
    return "Prometheus finds the instances but gets no metrics from them: their metrics port does not answer.";
  }
  const missing = metrics.filter((metric) => !names.includes(metric));
  if (missing.length > 0)
    return `Prometheus has no ${missing.join(" and ")} of it: this version does not export it, or has counted nothing yet.`;
  return "Nothing to measure in this time: no traffic.";
}

/** The names of the service's metrics, asked once for all empty charts and viewers in half a minute. */
function listNames(
  { panels, prometheus, logger }: ConsoleContext,
  service: ChartedService,
  window: Pick<Window, "from" | "to">,
): Promise<string[] | null> {
  if (!prometheus) return Promise.resolve(null);
  const key = `names ${service.id} ${window.to - window.from} ${Math.floor(window.to / 300)}`;
  return panels.reads.get(key, async () => {
    try {
      const names = await prometheus.metricNames(`{${serviceMatchers(service)}}`, window);
      return { value: names, keepMs: keepNamesMs, bytes: 2 * names.join().length };
    } catch (error) {
      logger.warn({ err: error, service: service.id }, "the metric names of a service cannot be read");
      return { value: null, keepMs: keepNamesMs / 6, bytes: 0 };
    }
  });
}
