import { createHash } from "node:crypto";
import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Service, type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { type PanelDefinition, type PanelSet, readPanelSet } from "./definitions.ts";
import { fillExpression, serviceMatchers } from "./expression.ts";
import { prometheusLink } from "./links.ts";
import type { Answer } from "./panel-store.ts";
import { firstUnsettled, readSpan, type Span, shiftWindow, type Window } from "./range.ts";
import { type Panel, type PanelExpression, type PanelsAnswer, panelsQuerySchema } from "./schemas.ts";
import { type Drawn, hasValues, limitSeries, moveTo, type NamedSeries, nameSeries, pointsOf } from "./series.ts";

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

type Request = { service: Service; span: Span; set: PanelSet };

async function readRequest(context: ConsoleContext, settings: MetricsSettings, ref: unknown, query: unknown): Promise<Request> {
  authorise(context, "viewer", "see charts");
  const service = requireService(context, parseInput(serviceRefSchema, ref));
  const span = readSpan(parseInput(panelsQuerySchema, query), context.clock(), settings.scrapeSeconds);
  return { service, span, set: await readPanelSet(context, service, service.kind) };
}

/** The service that is managed; throws not-found. */
export function requireService({ fleet }: Pick<ConsoleContext, "fleet">, { namespace, name }: ServiceRef): Service {
  const known = fleet.findService(`${namespace}/${name}`);
  if (!known) throw new DomainError("not-found", `There is no service ${namespace}/${name}.`);
  return known.service;
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
    data.map(async (one): Promise<Panel> => {
      const { drawn, compared, known, ...panel } = one;
      return {
        ...panel,
        series: pointsOf(drawn.series, known, pointsFrom),
        compared:
          compared && shiftSeconds !== null ? pointsOf(compared.drawn.series, compared.known, pointsFrom, shiftSeconds) : null,
        problem: panel.problem ?? (hasValues(drawn.series) ? null : await explain(context, service, one, window)),
      };
    }),
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

type PanelData = Omit<Panel, "series" | "compared"> & {
  metrics: string[];
  drawn: Drawn;
  /** The window that the drawn series cover. */
  known: Window;
  compared: { drawn: Drawn; known: Window } | null;
};

async function readPanel(
  context: ConsoleContext,
  settings: MetricsSettings,
  definition: PanelDefinition,
  service: ServiceRef,
  { window, range, shiftSeconds }: Span,
): Promise<PanelData> {
  const isRunning = range !== null;
  const expressions = definition.queries.map(({ name, expr }): PanelExpression => {
    const filled = fillExpression(expr, service, window.rateSeconds);
    return { name, expr: filled, prometheusUrl: prometheusLink(settings.prometheusUrl, filled, window, isRunning) };
  });
  const ask = (asked: Window, lag: number) => {
    const lagSeconds = isRunning ? lag : null;
    return Promise.all(expressions.map(({ expr }) => context.panels.query(expr, asked, { lagSeconds })));
  };
  const shifted = shiftSeconds === null ? null : shiftWindow(window, shiftSeconds);
  const [answers, before] = await Promise.all([ask(window, 0), shifted ? ask(shifted, shiftSeconds ?? 0) : null]);
  const main = drawAnswers(definition, answers, window);
  const compared = before && shifted ? drawAnswers(definition, before, shifted) : null;
  const all = before ? [...answers, ...before] : answers;
  const times = answers.map(({ at }) => at?.getTime() ?? 0);
  const dataTo = Math.min(main.known.to, ...(compared && shiftSeconds !== null ? [compared.known.to + shiftSeconds] : []));
  return {
    ...definition,
    expressions,
    ...main,
    compared,
    shape: shapeOf(expressions, main.drawn, compared?.drawn ?? null),
    stepSeconds: window.stepSeconds,
    dataTo,
    at: Math.min(...times) === 0 ? null : new Date(Math.min(...times)).toISOString(),
    problem: all.find(({ problem }) => problem)?.problem ?? null,
  };
}

/** The series of a chart's queries on the part of the window that all of them know. */
function drawAnswers(definition: PanelDefinition, answers: readonly Answer[], window: Window): { drawn: Drawn; known: Window } {
  const { queries, seriesLabel, title, style } = definition;
  const to = Math.max(window.from, Math.min(window.to, ...answers.flatMap((answer) => (answer.at ? [answer.window.to] : []))));
  const known = { ...window, to };
  const series = answers.flatMap((answer, index): NamedSeries[] => {
    const queryName = queries[index]?.name ?? "";
    const named = nameSeries(answer.series, { queryName, seriesLabel, fallback: title.toLowerCase() });
    return answer.at ? moveTo(named, answer.window, known) : [];
  });
  return { drawn: limitSeries(series, style), known };
}

function shapeOf(expressions: readonly PanelExpression[], drawn: Drawn, compared: Drawn | null): string {
  const names = (one: Drawn) => [one.series.map(({ name }) => name), one.others];
  const parts = [expressions.map(({ expr }) => expr), names(drawn), compared && names(compared)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 12);
}

async function explain(context: ConsoleContext, service: Service, panel: PanelData, window: Window): Promise<string | null> {
  if (panel.at === null) return null;
  return explainEmpty(panel.metrics, await listNames(context, service, window));
}

/**
 * Why a chart that Prometheus answered has nothing to draw. `metrics` are those of the service's own that it needs; `names` are the
 * service's metrics in the time, null when not known.
 */
export function explainEmpty(metrics: readonly string[], names: readonly string[] | null): string {
  if (names === null || metrics.length === 0) return "Prometheus has no data for this chart.";
  if (names.length === 0) return "Prometheus has never scraped this service in this time. Check its prometheus.io annotations.";
  if (names.every((name) => name === "up" || name.startsWith("scrape_"))) {
    return "Prometheus finds the instances but gets no metrics from them: their metrics port does not answer.";
  }
  const missing = metrics.filter((metric) => !names.includes(metric));
  if (missing.length > 0) return `This version does not export ${missing.join(" and ")}.`;
  return "Nothing to measure in this time: no traffic.";
}

/** The names of the service's metrics, asked once for all empty charts and viewers in half a minute. */
function listNames({ panels, prometheus, logger }: ConsoleContext, service: Service, window: Window): Promise<string[] | null> {
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
