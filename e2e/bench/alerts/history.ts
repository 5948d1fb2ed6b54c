import { connectDatabase, type Database } from "#lib/database/client.ts";
import { listHistory } from "#lib/domain/alerts/history.ts";
import { summariseHistory } from "#lib/domain/alerts/history-summary.ts";
import type { Context } from "#lib/domain/context.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { format, percentile, table } from "../figures.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { fillYear } from "./year-of-alerts.ts";

const sizes = [1_000, 10_000, 100_000];
const end = new Date("2026-11-21T12:00:00Z");
const warmUps = 3;
const rounds = 25;
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
type Part = "first page" | "summary";

/** Measures the first page and the summary of every filter on a year of 1,000 to 100,000 episodes; answers with the report. */
export async function measureHistory(): Promise<string> {
  const postgres = await startScratchPostgres();
  try {
    const measured = new Map<string, Measured[]>();
    for (const size of sizes) {
      const url = await postgres.makeDatabase(`history_${size}`);
      await fillYear(url, { episodes: size, end });
      const db = connectDatabase(url);
      const context = makeContext(db);
      for (const [name, filter] of Object.entries(cases)) {
        await note(measured, "first page", name, () => listHistory(context, filter));
        await note(measured, "summary", name, () => summariseHistory(context, filter));
      }
      await db.$disconnect();
    }
    return [report(measured, "first page"), report(measured, "summary")].join("\n\n");
  } finally {
    await postgres.stop();
  }
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

async function note(measured: Map<string, Measured[]>, part: Part, name: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const startedAt = performance.now();
    await run();
    if (round >= warmUps) times.push(performance.now() - startedAt);
  }
  const key = `${part}: ${name}`;
  measured.set(key, [...(measured.get(key) ?? []), { p50: percentile(times, 0.5), p95: percentile(times, 0.95) }]);
}

function report(measured: Map<string, Measured[]>, part: Part): string {
  const heads = sizes.flatMap((size) => [`p50 at ${size.toLocaleString("en-US")}`, "p95"]);
  let worst = 0;
  const lines = Object.keys(cases).map((name) => {
    const found = measured.get(`${part}: ${name}`) ?? [];
    const [first, last] = [found[0], found.at(-1)];
    worst = Math.max(worst, last?.p95 ?? 0);
    const growth = first && last ? `x ${format(last.p50 / first.p50)}` : "";
    const kept = last ? (last.p95 < goalMs ? "kept" : "MISSED") : "";
    return [name, ...found.flatMap(({ p50, p95 }) => [format(p50), format(p95)]), growth, kept];
  });
  const verdict = worst < goalMs ? "kept by every filter" : "MISSED";
  return [
    `History, ${part} (ms, ${rounds} runs each, one after the other). Goal: p95 < ${goalMs} at 100,000 episodes: ${verdict}, the slowest ${format(worst)}.`,
    "",
    table([["filter", ...heads, "growth of p50", `p95 < ${goalMs}`], ...lines]),
  ].join("\n");
}

if (import.meta.main) {
  process.stdout.write(`${await measureHistory()}\n`);
  process.exit(0);
}
