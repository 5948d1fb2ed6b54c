/**
 * How fast the history answers: the first page and the summary of every filter on a year of alerts.
 *
 *   node e2e/bench/alerts/history.ts [--sizes 1000,10000,100000] [--rounds 25] [--parts "first page,summary"]
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { connectDatabase, type Database } from "#lib/database/client.ts";
import { listHistory } from "#lib/domain/alerts/history.ts";
import { summariseHistory } from "#lib/domain/alerts/history-summary.ts";
import type { Context } from "#lib/domain/context.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { format, percentile, table } from "../figures.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { fillYear } from "./year-of-alerts.ts";

const end = new Date("2026-11-21T12:00:00Z");
const warmUps = 3;
const goalMs = 150;

const daysAgo = (days: number) => new Date(end.getTime() - days * 86_400_000).toISOString();

/** Every filter, alone where it finds much, little and nothing, and together. */
const cases: Record<string, Record<string, string>> = {
  "no filter": {},
  service: { service: "relay" },
  "service, rare": { service: "search" },
  "service, unknown": { service: "nowhere" },
  severity: { severity: "warning" },
  "severities, two": { severity: "critical,info" },
  name: { name: "RelayHighErrorRate" },
  "name, unknown": { name: "Nothing" },
  namespace: { namespace: "staging" },
  source: { source: "second" },
  "state firing": { state: "firing" },
  "state resolved": { state: "resolved" },
  acknowledged: { acknowledged: "yes" },
  "not acknowledged": { acknowledged: "no" },
  "firing, acknowledged": { state: "firing", acknowledged: "yes" },
  "label =, half of all": { labels: 'region="eu-1"' },
  "label =, none": { labels: 'pod="nothing"' },
  "label !=": { labels: 'team!="core"' },
  "label =~, many": { labels: 'pod=~"relay-.*"' },
  "label =~, few": { labels: 'pod=~".*-5[0-9]"' },
  "label =~, none": { labels: 'pod=~"zz.*"' },
  "label !~, most": { labels: 'pod!~"search-.*"' },
  "search, many": { search: "relay" },
  "search, few": { search: "memoryhigh search" },
  "search, none": { search: "nothing at all" },
  "search, one letter": { search: "x" },
  "last hour": { from: daysAgo(1 / 24), to: daysAgo(0) },
  "one hour, half a year ago": { from: daysAgo(180), to: daysAgo(180 - 1 / 24) },
  "last 30 days": { from: daysAgo(30), to: daysAgo(0) },
  "all year, by time": { from: daysAgo(365), to: daysAgo(0) },
  "30 days, service, label, search": {
    from: daysAgo(60),
    to: daysAgo(30),
    service: "relay",
    labels: "region=eu-1",
    search: "high",
  },
  "service and severity, rare": { service: "search", severity: "critical" },
};

type Measured = { p50: number; p95: number };
export type Part = "first page" | "summary";
export type HistoryOptions = { sizes?: number[]; rounds?: number; parts?: Part[] };
type Figures = Map<string, Measured[]>;

/** Measures the first page and the summary of every filter on a year of 1,000 to 100,000 episodes; answers with the report. */
export async function measureHistory(options: HistoryOptions = {}): Promise<string> {
  const { sizes = [1_000, 10_000, 100_000], rounds = 25, parts = ["first page", "summary"] } = options;
  const postgres = await startScratchPostgres();
  try {
    const figures: Figures = new Map();
    for (const size of sizes) {
      const url = await postgres.makeDatabase(`history_${size}`);
      await fillYear(url, { episodes: size, end });
      await measureYear(url, { rounds, parts }, figures);
    }
    return parts.map((part) => report(figures, part, { sizes, rounds })).join("\n\n");
  } finally {
    await postgres.stop();
  }
}

/** Adds the figures of one filled database. */
export async function measureYear(
  url: string,
  { rounds, parts }: { rounds: number; parts: Part[] },
  figures: Figures,
): Promise<void> {
  const db = connectDatabase(url);
  const context = makeContext(db);
  const reads = { "first page": listHistory, summary: summariseHistory };
  for (const part of parts) {
    for (const [name, filter] of Object.entries(cases)) {
      const key = `${part}: ${name}`;
      figures.set(key, [...(figures.get(key) ?? []), await measure(rounds, () => reads[part](context, filter))]);
    }
  }
  await db.$disconnect();
}

function makeContext(db: Database): Context {
  return {
    actor: { kind: "system", id: null, name: "bench", role: "viewer" },
    db,
    kubernetes: null as unknown as KubernetesClient,
    prometheus: null,
    clock: () => end,
    logger: createLogger("bench", "silent"),
    requestId: "bench",
  };
}

async function measure(rounds: number, run: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const startedAt = performance.now();
    await run();
    if (round >= warmUps) times.push(performance.now() - startedAt);
  }
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
}

/** The figures of a part as a table, and whether every filter kept the goal at the largest size. */
export function report(figures: Figures, part: Part, { sizes, rounds }: { sizes: number[]; rounds: number }): string {
  const heads = sizes.flatMap((size) => [`p50 at ${size.toLocaleString("en-US")}`, "p95"]);
  let worst = 0;
  const lines = Object.keys(cases).map((name) => {
    const found = figures.get(`${part}: ${name}`) ?? [];
    const [first, last] = [found[0], found.at(-1)];
    worst = Math.max(worst, last?.p95 ?? 0);
    const growth = first && last ? `x ${format(last.p50 / first.p50)}` : "";
    const kept = last ? (last.p95 < goalMs ? "kept" : "MISSED") : "";
    return [name, ...found.flatMap(({ p50, p95 }) => [format(p50), format(p95)]), growth, kept];
  });
  const verdict = worst < goalMs ? "kept by every filter" : "MISSED";
  const largest = Math.max(...sizes).toLocaleString("en-US");
  return [
    `History, ${part} (ms, ${rounds} runs each, one after the other; load ${loadavg()[0]?.toFixed(1)}).`,
    `Goal: p95 < ${goalMs} at ${largest} episodes: ${verdict}, the slowest ${format(worst)}.`,
    "",
    table([["filter", ...heads, "growth of p50", `p95 < ${goalMs}`], ...lines]),
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { sizes: { type: "string" }, rounds: { type: "string" }, parts: { type: "string" } },
  });
  const parts = values.parts?.split(",").filter((part) => part === "first page" || part === "summary");
  const sizes = values.sizes?.split(",").map(Number);
  process.stdout.write(`${await measureHistory({ sizes, rounds: values.rounds ? Number(values.rounds) : undefined, parts })}\n`);
  process.exit(0);
}
