import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { fillExpression, serviceMatchers, type Window, windowOf } from "./expression.ts";
import { type Panel, type PanelsAnswer, type Range, rangeSchema, type Series } from "./schemas.ts";
import { hasValues, limitSeries, toGrid } from "./series.ts";
import { type PanelTemplate, templatesFor } from "./templates.ts";

/** How often Prometheus scrapes the fleet, in seconds: decides how much detail a rate can show. */
export type MetricsSettings = { scrapeSeconds: number };

/** The charts of a service over a range, with their data or the reason why there is none. */
export async function getPanels(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  range: unknown,
): Promise<PanelsAnswer> {
  authorise(context, "viewer", "see charts");
  const service = parseInput(serviceRefSchema, ref);
  const known = context.fleet.findService(`${service.namespace}/${service.name}`);
  if (!known) throw new DomainError("not-found", `There is no service ${service.namespace}/${service.name}.`);
  const parsed: Range = parseInput(rangeSchema, range);
  const window = windowOf(parsed, context.clock(), settings.scrapeSeconds);
  const names = listNames(context, service, window);
  const panels = await Promise.all(
    templatesFor(known.service.kind).map((template) => fillPanel(context, template, service, window, names)),
  );
  return {
    range: parsed,
    from: window.from,
    to: window.to,
    stepSeconds: window.stepSeconds,
    compare: null,
    isTail: false,
    tailSince: window.from,
    panels,
    hidden: [],
  };
}

async function fillPanel(
  context: ConsoleContext,
  template: PanelTemplate,
  service: ServiceRef,
  window: Window,
  names: () => Promise<string[] | null>,
): Promise<Panel> {
  const { id, title, unit, limit, style, metrics, queries, seriesLabel } = template;
  const expressions = queries.map(({ name, expr }) => ({ name, expr: fillExpression(expr, service, window.rateSeconds) }));
  const answers = await Promise.all(expressions.map(({ expr }) => context.panels.query(expr, window)));
  const series: Series[] = answers.flatMap((answer, index) =>
    answer.series.map((one) => ({
      name: (seriesLabel && one.labels[seriesLabel]) || expressions[index]?.name || title.toLowerCase(),
      points: toGrid(one, answer.window),
    })),
  );
  const times = answers.map(({ at }) => at?.getTime() ?? 0);
  const problem = answers.find((answer) => answer.problem)?.problem ?? null;
  const isEmpty = !hasValues(series);
  return {
    id,
    origin: "kind",
    panelId: null,
    version: 0,
    title,
    unit,
    limit,
    style,
    states: null,
    queries,
    seriesLabel: seriesLabel ?? null,
    expressions: expressions.map((each) => ({ ...each, prometheusUrl: null })),
    compared: null,
    shape: "",
    dataTo: window.to,
    series: style === "percentiles" ? series : limitSeries(series, style),
    stepSeconds: window.stepSeconds,
    at: Math.min(...times) === 0 ? null : new Date(Math.min(...times)).toISOString(),
    problem: problem ?? (isEmpty ? explainEmpty(metrics, await names()) : null),
  };
}

/** Why a chart that Prometheus answered has nothing to draw. `names` are the service's metrics in the range; null when not known. */
export function explainEmpty(metrics: readonly string[], names: readonly string[] | null): string {
  if (names === null) return "Prometheus has no data for this chart.";
  if (names.length === 0) return "Prometheus has never scraped this service in this time. Check its prometheus.io annotations.";
  if (names.every((name) => name === "up" || name.startsWith("scrape_"))) {
    return "Prometheus finds the instances but gets no metrics from them: their metrics port does not answer.";
  }
  const missing = metrics.filter((metric) => !names.includes(metric));
  if (missing.length > 0) return `This version does not export ${missing.join(" and ")}.`;
  return "Nothing to measure in this time: no traffic.";
}

/** The names of the service's metrics, asked at most once for all panels of an answer. */
function listNames({ prometheus, logger }: ConsoleContext, service: ServiceRef, window: Window): () => Promise<string[] | null> {
  let asked: Promise<string[] | null> | undefined;
  return () => {
    asked ??= prometheus
      ? prometheus.metricNames(`{${serviceMatchers(service)}}`, window).catch((error: unknown) => {
          logger.warn({ err: error }, "the metric names of a service cannot be read");
          return null;
        })
      : Promise.resolve(null);
    return asked;
  };
}
