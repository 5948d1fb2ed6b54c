import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { DomainError } from "../../errors.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { fillWith } from "../../metrics/expression.ts";
import type { Analysis } from "../strategy.ts";
import { type Judged, judgeSample } from "./judge.ts";
import { type Answers, readSample, type Split } from "./samples.ts";
import { findMetric, type MetricTemplate } from "./templates.ts";

/** One measurement as it is kept, without the rollout and the step that it belongs to. */
export type Measurement = Omit<Judged, "test"> & {
  metric: string;
  at: Date;
  detail: { test: Judged["test"]; queries: string[] };
};

export type MeasureInput = {
  /** null when no Prometheus is configured. */
  prometheus: PrometheusClient | null;
  kind: string;
  ref: ServiceRef;
  metric: string;
  settings: Analysis;
  /** `candidate` is compared with stable; `all` measures every instance of the service, as while it rolls. */
  track: "candidate" | "all";
  /** When the analysis began: what was before it is not looked at. */
  since: Date;
  now: Date;
};

/** A candidate's scrape targets carry the label; stable's do not. */
const trackSplit: Split = { label: "track", candidate: "candidate", stable: "" };
/** Shorter than this a range holds no two scrapes. */
const shortestSeconds = 2;

/** Takes one measurement. A Prometheus that is down, or refuses, is a measurement with the verdict error. */
export async function measure(input: MeasureInput): Promise<Measurement> {
  const { prometheus, kind, ref, metric, settings, track, since, now } = input;
  const template = findMetric(kind, metric);
  if (!template) return failed(input, `There is no metric ${metric} for services of the kind ${kind || "unknown"}.`, []);
  if (!prometheus) return failed(input, "No Prometheus is configured.", []);
  const sinceSeconds = Math.max(shortestSeconds, Math.floor((now.getTime() - since.getTime()) / 1000));
  const windowSeconds = Math.min(settings.windowSeconds, sinceSeconds);
  const split = track === "candidate" ? trackSplit : null;
  const expressions = fillTemplate(template, ref, { label: trackSplit.label, windowSeconds, sinceSeconds });
  const queries = Object.values(expressions);
  try {
    const answers = await askAll(prometheus, expressions, now);
    const { test, ...judged } = judgeSample(template, readSample(template, answers, split), { ...settings, windowSeconds });
    return { ...judged, metric, at: now, detail: { test, queries } };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return failed(input, error.message, queries);
  }
}

/** A template's expressions for one service, by their names. */
export function fillTemplate(
  { expressions }: MetricTemplate,
  ref: ServiceRef,
  { label, windowSeconds, sinceSeconds }: { label: string; windowSeconds: number; sinceSeconds: number },
): Record<string, string> {
  const windows = { $window: `${windowSeconds}s`, $wide: `${sinceSeconds}s` };
  const fill = (expr: string) => fillWith(expr.replaceAll("$by", label).replaceAll("$since", "$wide"), ref, windows).text;
  return Object.fromEntries(Object.entries(expressions).map(([name, expr]) => [name, fill(expr)]));
}

async function askAll(prometheus: PrometheusClient, expressions: Record<string, string>, at: Date): Promise<Answers> {
  const ask = async ([name, expr]: [string, string]) => [name, await prometheus.query(expr, { at })] as const;
  return Object.fromEntries(await Promise.all(Object.entries(expressions).map(ask)));
}

function failed({ metric, now }: MeasureInput, message: string, queries: string[]): Measurement {
  return {
    metric,
    at: now,
    value: null,
    limit: null,
    stable: null,
    samples: null,
    stableSamples: null,
    verdict: "error",
    message,
    detail: { test: null, queries },
  };
}
