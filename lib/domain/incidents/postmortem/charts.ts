import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { type Indicator, indicatorsOf, isBad, isProbed } from "../recovery/indicators.ts";
import type { Harm } from "./impact.ts";
import type { Chart } from "./schemas.ts";

/** What is shown around the harm: of before as much as tells what was usual, of after as much as tells that it is over. */
export const marginSeconds = { before: 900, after: 600 };
const shortestWindowSeconds = 30;
const scrapesInWindow = 2.5;
const mostPoints = 400;

/** `desired`: how many instances it is to have; `ofSameKind`: how many services of its kind are in its namespace. */
export type ChartedService = { namespace: string; name: string; kind: string; desired: number | null; ofSameKind: number };

type Read = { indicator: Indicator; chart: Chart };

/** Reads each service's indicators over an incident. Those that say nothing in that time are left out. */
export async function measureCharts(
  prometheus: PrometheusClient,
  services: readonly ChartedService[],
  { harm, now, scrapeSeconds }: { harm: Pick<Harm, "from" | "to">; now: Date; scrapeSeconds: number },
): Promise<Chart[]> {
  const range = chartRange(harm, now, scrapeSeconds);
  const { from, to, stepSeconds } = range;
  const window = Math.max(shortestWindowSeconds, Math.ceil(scrapesInWindow * scrapeSeconds), stepSeconds);
  const read = async (service: string, indicator: Indicator): Promise<Read> => {
    const { expr, standsInFor: _, ...shown } = indicator;
    const [series] = await prometheus.queryRange(expr, range);
    const points = new Map(series?.points);
    const values: Chart["values"] = [];
    for (let at = from; at <= to; at += stepSeconds) values.push(significant(points.get(at) ?? null));
    return { indicator, chart: { service, indicator: shown, from: new Date(from * 1000).toISOString(), stepSeconds, values } };
  };
  const charts = await Promise.all(
    services.map(async ({ namespace, name, kind, desired, ofSameKind }) => {
      const ref = { namespace, name };
      const indicators = indicatorsOf(kind, ref, window, { isProbed: isProbed(kind, ref, ofSameKind), desired });
      return telling(await Promise.all(indicators.map((indicator) => read(`${namespace}/${name}`, indicator))));
    }),
  );
  return charts.flat();
}

/** What stands in for another is shown where that has no value; what never moved and was never bad is not, beside others. */
function telling(read: readonly Read[]): Chart[] {
  const isKnown = ({ chart }: Read) => chart.values.some((value) => value !== null);
  const hasValues = (name: string | null) => read.some((one) => one.indicator.name === name && isKnown(one));
  const known = read.filter((one) => isKnown(one) && !hasValues(one.indicator.standsInFor));
  const moved = known.filter(({ indicator, chart: { values } }) => {
    const different = new Set(values.filter((value) => value !== null));
    return different.size > 1 || values.some((value) => isBad(indicator, value));
  });
  return (moved.length > 0 ? moved : known.slice(0, 1)).map(({ chart }) => chart);
}

/** Unix seconds that a step divides, so that the points are where they are looked for. */
export function chartRange({ from, to }: Pick<Harm, "from" | "to">, now: Date, scrapeSeconds: number) {
  const begin = from.getTime() / 1000 - marginSeconds.before;
  const end = Math.min(to.getTime() / 1000 + marginSeconds.after, now.getTime() / 1000);
  const stepSeconds = Math.max(5, Math.ceil(scrapeSeconds), Math.ceil((end - begin) / mostPoints));
  const onStep = (seconds: number) => Math.floor(seconds / stepSeconds) * stepSeconds;
  return { from: onStep(begin), to: onStep(end), stepSeconds };
}

const significant = (value: number | null) => (value === null ? null : Number(value.toPrecision(5)));
