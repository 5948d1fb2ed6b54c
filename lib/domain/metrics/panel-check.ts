import type { PrometheusSeries } from "#lib/prometheus/client.ts";
import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { type Filled, rateWindow } from "./expression.ts";
import { parseExpression } from "./promql.ts";
import type { MetricsSettings } from "./queries.ts";
import { checkExpressionSchema, type ExpressionCheck, panelLimits } from "./schemas.ts";
import { requireService } from "./target.ts";

const timeoutMs = 3_000;
const sampleSize = 5;
const drawnSeries = 8;
const checkedStepSeconds = 15;

/**
 * What an expression would do on a chart of this service: the official grammar reads it, then Prometheus evaluates it once, for now,
 * under a short time limit.
 */
export async function checkExpression(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  input: unknown,
): Promise<ExpressionCheck> {
  authorise(context, "operator", "try expressions");
  const service = await requireService(context, ref);
  const { expr } = parseInput(checkExpressionSchema, input);
  return judgeExpression(context, settings, service, expr);
}

/** The same for a command that has authorised already. */
export async function judgeExpression(
  { prometheus, clock }: Pick<ConsoleContext, "prometheus" | "clock">,
  settings: MetricsSettings,
  service: ServiceRef,
  expr: string,
): Promise<ExpressionCheck> {
  const { filled, errors, unlimited } = parseExpression(expr, service, rateWindow(checkedStepSeconds, settings.scrapeSeconds));
  const warnings = unlimited.map((selector) => `${selector} is not limited to this service: add $in inside its braces.`);
  const unknown = { errors, warnings, seriesCount: null, labelNames: [], sample: [], milliseconds: null, problem: null };
  if (errors.length > 0) return { ...unknown, isGood: false, filled: null };
  if (!prometheus) return { ...unknown, isGood: false, filled: filled.text, problem: "No Prometheus is connected." };
  const now = Math.floor(clock().getTime() / 1000);
  const startedAt = performance.now();
  try {
    // A range of one point: types are judged as the chart will have them.
    const series = await prometheus.queryRange(
      filled.text,
      { from: now, to: now, stepSeconds: checkedStepSeconds },
      { timeoutMs },
    );
    const problem = tooManySeries(series.length);
    return {
      ...unknown,
      ...describeSeries(series),
      isGood: problem === null,
      filled: filled.text,
      warnings: [...warnings, ...warnOfCount(series.length)],
      milliseconds: Math.round(performance.now() - startedAt),
      problem,
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const problem = error.message;
    return { ...unknown, isGood: false, filled: filled.text, problem, errors: placeOf(problem, filled, expr) };
  }
}

function describeSeries(series: readonly PrometheusSeries[]): Pick<ExpressionCheck, "seriesCount" | "labelNames" | "sample"> {
  return {
    seriesCount: series.length,
    labelNames: [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))]
      .filter((name) => name !== "__name__")
      .toSorted(),
    sample: series.slice(0, sampleSize).map(({ labels, points }) => ({ labels, value: points.at(-1)?.[1] ?? null })),
  };
}

function tooManySeries(count: number): string | null {
  if (count <= panelLimits.series) return null;
  return `This gives ${count.toLocaleString("en-US")} series; a chart takes at most ${panelLimits.series}. Sum them by a label, as in sum by (pod) (...).`;
}

function warnOfCount(count: number): string[] {
  if (count === 0) return ["It gives no series now: the chart would be empty."];
  if (count <= drawnSeries || count > panelLimits.series) return [];
  return [`It gives ${count} series; the ${drawnSeries - 1} with the largest peaks are drawn, the others as one.`];
}

/** Prometheus names a place as line:column of the text that it got. */
function placeOf(problem: string, { text, toSource }: Filled, expr: string): ExpressionCheck["errors"] {
  const match = /\b(\d+):(\d+): (?:parse error: )?(.+)$/s.exec(problem);
  if (!match) return [];
  const [, line = "1", column = "1", message = problem] = match;
  const lineStart = text
    .split("\n")
    .slice(0, Number(line) - 1)
    .reduce((sum, each) => sum + each.length + 1, 0);
  const from = Math.min(toSource(lineStart + Number(column) - 1), expr.length);
  return [{ from, to: expr.length, message }];
}
