import { createHash } from "node:crypto";
import type { ConsoleContext } from "../context.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import type { PanelDefinition } from "./definitions.ts";
import { fillExpression } from "./expression.ts";
import { joinExpressions, splitAnswer } from "./joined-query.ts";
import { prometheusLink } from "./links.ts";
import type { Answer, PanelStore } from "./panel-store.ts";
import type { MetricsSettings } from "./queries.ts";
import { type Span, shiftWindow, type Window } from "./range.ts";
import type { Panel, PanelExpression } from "./schemas.ts";
import { type Drawn, hasValues, limitSeries, moveTo, type NamedSeries, nameSeries, pointsOf } from "./series.ts";

/** A chart with what the shared store knows of its queries, before it is put into points. */
export type PanelData = Omit<Panel, "series" | "compared"> & {
  metrics: string[];
  drawn: Drawn;
  /** The window that the drawn series cover. */
  known: Window;
  compared: { drawn: Drawn; known: Window } | null;
};

/** Asks the shared store for a chart's queries, over the window and the one that it is compared with. */
export async function readPanel(
  { panels }: Pick<ConsoleContext, "panels">,
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
  const asked = expressions.map(({ expr }) => expr);
  const ask = (part: Window, lag: number) => askAll(panels, asked, part, isRunning ? lag : null);
  const shifted = shiftSeconds === null ? null : shiftWindow(window, shiftSeconds);
  const [answers, before] = await Promise.all([ask(window, 0), shifted ? ask(shifted, shiftSeconds ?? 0) : null]);
  const main = drawAnswers(definition, answers, window);
  const compared = before && shifted ? drawAnswers(definition, before, shifted) : null;
  const all = before ? [...answers, ...before] : answers;
  const at = answers.every((answer) => answer.at) ? oldest(answers) : null;
  const knownTo = Math.min(main.known.to, ...(compared && shiftSeconds !== null ? [compared.known.to + shiftSeconds] : []));
  return {
    ...definition,
    expressions,
    ...main,
    compared,
    shape: shapeOf(expressions, main.drawn, compared?.drawn ?? null),
    stepSeconds: window.stepSeconds,
    dataTo: at ? knownTo : window.from,
    at: at?.toISOString() ?? null,
    problem: all.find(({ problem }) => problem)?.problem ?? null,
  };
}

function oldest(answers: readonly Answer[]): Date | null {
  return answers.reduce<Date | null>((first, { at }) => (at && (!first || at < first) ? at : first), null);
}

/** One query for all expressions of a chart where they can be joined. */
async function askAll(panels: PanelStore, expressions: string[], window: Window, lagSeconds: number | null): Promise<Answer[]> {
  const joined = joinExpressions(expressions);
  if (joined === null) return Promise.all(expressions.map((expr) => panels.query(expr, window, { lagSeconds })));
  return splitAnswer(await panels.query(joined, window, { lagSeconds }), expressions.length);
}

/** The chart as the page gets it, its points from a time on; `emptyProblem` says why there is nothing to draw. */
export async function toPanel(
  { drawn, compared, known, metrics: _, ...panel }: PanelData,
  {
    pointsFrom,
    shiftSeconds,
    emptyProblem,
  }: { pointsFrom: number; shiftSeconds: number | null; emptyProblem: () => Promise<string> },
): Promise<Panel> {
  const isEmpty = panel.problem === null && !hasValues(drawn.series);
  const shift = shiftSeconds ?? 0;
  return {
    ...panel,
    series: pointsOf(drawn.series, known, pointsFrom),
    compared: compared && pointsOf(compared.drawn.series, compared.known, pointsFrom, shift),
    problem: isEmpty ? await emptyProblem() : panel.problem,
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
