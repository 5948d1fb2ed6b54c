import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { Point } from "./recovery.ts";

/** Of a longer absence of the controller each look takes so much in, until it has come to the present. */
const mostSeconds = 3 * 3600;

/** Reads indicators at steps that are the same whoever reads them when, and each range once for a pass. */
export class SeriesReader {
  readonly stepSeconds: number;
  readonly #prometheus: PrometheusClient;
  readonly #settledAt: number;
  readonly #asked = new Map<string, Promise<Point[]>>();

  /** A point younger than a scrape may still change: it is left for later. */
  constructor(prometheus: PrometheusClient, { clock, scrapeSeconds }: { clock: () => Date; scrapeSeconds: number }) {
    this.#prometheus = prometheus;
    this.stepSeconds = Math.min(5, Math.max(2, scrapeSeconds));
    this.#settledAt = clock().getTime() / 1000 - scrapeSeconds;
  }

  /** Whether there is a point that nobody has looked at. */
  isDue(lookedAt: Date): boolean {
    const { from, to } = this.#rangeSince(lookedAt.getTime());
    return from <= to;
  }

  /** The points after the last one that was looked at; null values where there are none. */
  async readSince({ expr, lookedAt }: { expr: string; lookedAt: string }): Promise<Point[]> {
    const step = this.stepSeconds;
    const { from, to } = this.#rangeSince(Date.parse(lookedAt));
    if (from > to) return [];
    const key = `${from} ${to} ${expr}`;
    const asked = this.#asked.get(key) ?? readPoints(this.#prometheus, expr, { from, to, stepSeconds: step });
    this.#asked.set(key, asked);
    return asked;
  }

  #rangeSince(lookedAt: number): { from: number; to: number } {
    const step = this.stepSeconds;
    const from = Math.floor(lookedAt / 1000 / step + 1) * step;
    return { from, to: Math.min(Math.floor(this.#settledAt / step) * step, from + mostSeconds) };
  }
}

/** The points of an expression that gives one series; times in seconds. */
export async function readPoints(
  prometheus: PrometheusClient,
  expr: string,
  { from, to, stepSeconds }: { from: number; to: number; stepSeconds: number },
): Promise<Point[]> {
  const [series] = await prometheus.queryRange(expr, { from, to, stepSeconds });
  const values = new Map(series?.points);
  const points: Point[] = [];
  for (let at = from; at <= to; at += stepSeconds) points.push({ at: at * 1000, value: values.get(at) ?? null });
  return points;
}
