import type { PrometheusClient, PrometheusSample } from "#lib/prometheus/client.ts";
import { clientOperations, type OwnCounts, ownCounts, select } from "../metrics/indicators.ts";
import type { Counts } from "./burn.ts";

const by = "by (namespace, service)";

const users = ownCounts.filter(({ kinds }) => !kinds.includes("prober"));
const increase = (series: string) => `sum ${by} (increase(${series}[$window]))`;
/** Metrics that other kinds export, too, are told apart by the kind. */
const kindOf = ({ kinds, isShared }: OwnCounts) => (isShared ? `kind=~"${kinds.join("|")}"` : "");

/** What counts as a request and as a bad one for each kind of daemon (metrics/indicators.ts); `$window` is filled in. */
const own = {
  bad: users.map((counts) => increase(select(counts.bad, kindOf(counts)))).join(" or "),
  all: users
    .map((counts) => `(${counts.all.map((series) => increase(select(series, kindOf(counts)))).join(" + ")})`)
    .join(" or "),
};

/** The prober names the service that it uses in `target`. */
const probed = `sum by (namespace, target, result) (increase(switchyard_probe_requests_total{${clientOperations}}[$window]))`;

const buckets = users
  .map((counts) => select({ metric: `${counts.seconds}_bucket`, matchers: "" }, kindOf(counts)))
  .map((histogram) => `sum by (namespace, service, le) (increase(${histogram}[$window]))`)
  .join(" or ");

/** What one service did within a time: as the prober saw it, by its own word, and its requests by the time that they took at most. */
export type Usage = { prober: Counts | null; own: Counts | null; buckets: { le: number; count: number }[] };

/** What every service did in the seconds before a moment, by default now, by id: four queries whatever the size of the fleet. */
export async function queryUsage(
  prometheus: PrometheusClient,
  windowSeconds: number,
  timeoutMs?: number,
  at?: Date,
): Promise<Map<string, Usage>> {
  const ask = (expr: string) => prometheus.query(expr.replaceAll("$window", `${windowSeconds}s`), { timeoutMs, at });
  const [bad, all, probes, latencies] = await Promise.all([ask(own.bad), ask(own.all), ask(probed), ask(buckets)]);
  const usage = new Map<string, Usage>();
  const of = (namespace = "", service = "") => {
    const id = `${namespace}/${service}`;
    const known = usage.get(id) ?? { prober: null, own: null, buckets: [] };
    usage.set(id, known);
    return known;
  };
  for (const { labels, value } of all) of(labels.namespace, labels.service).own = { bad: 0, all: value ?? 0 };
  for (const { labels, value } of bad) {
    const counts = of(labels.namespace, labels.service).own;
    if (counts) counts.bad = value ?? 0;
  }
  for (const { labels, value } of probes) {
    const service = of(labels.namespace, labels.target);
    service.prober ??= { bad: 0, all: 0 };
    service.prober.all += value ?? 0;
    if (labels.result !== "ok") service.prober.bad += value ?? 0;
  }
  for (const { labels, value } of latencies) {
    of(labels.namespace, labels.service).buckets.push({ le: boundOf(labels), count: value ?? 0 });
  }
  return usage;
}

function boundOf({ le }: PrometheusSample["labels"]): number {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}

/** Requests that took longer than the histogram's highest bound at or below the wanted time; null when no bound is that low. */
export function countSlow(
  { buckets: all }: Pick<Usage, "buckets">,
  wantedSeconds: number,
): { counts: Counts; countedSeconds: number } | null {
  const total = all.find(({ le }) => le === Number.POSITIVE_INFINITY);
  // A bound is a decimal number that someone wrote: 0.05 and 50 ms are the same.
  const bound = all.filter(({ le }) => le <= wantedSeconds * (1 + 1e-9)).toSorted((a, b) => b.le - a.le)[0];
  if (!total || !bound) return null;
  return { counts: { bad: Math.max(0, total.count - bound.count), all: total.count }, countedSeconds: bound.le };
}
