/**
 * What alerts cost and whether any is lost.
 *
 *   npm run bench:alerts -- [--only storm,growth,rate,history] [--quick] [--out FILE]
 *
 * storm    10,000 alerts in 60 s, told by two simulated Alertmanagers (simulated-alertmanager.ts), PostgreSQL shut down at once for
 *          20 s in the middle; a judge compares what was stored with what really was
 * growth   the same without an outage at 100, 1,000 and 10,000 alerts
 * rate     alerts a second that are answered after their commit, beside the one-row commits of the same PostgreSQL
 * history  pages of the history at 100,000 episodes
 *
 * Webhooks go over HTTP to the product's handler in a process of its own (webhook-server.ts), after a small storm that is not
 * counted; polls run as in the controller, in a thread of their own (poller.ts).
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { connectDatabase } from "#lib/database/client.ts";
import { ensureAlertSource } from "#lib/domain/alerts/sources.ts";
import { format, percentile, printTable, type Row, table } from "../figures.ts";
import { InterruptiblePostgres } from "./interruptible-postgres.ts";
import { measureRates } from "./rate.ts";
import { runStorm, type StormResult, type StormSettings } from "./storm.ts";

/** A server that has run for a while has compiled what it runs. */
const warmUp = { alerts: 500, ms: 5_000, outage: null };
const parts = ["storm", "growth", "rate", "history"];
const secret = "swa_the-secret-of-the-benchmark-of-alerts";
const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: parts.join(",") },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "results.md") },
  },
});
const wanted = options.only.split(",");
if (wanted.some((name) => !parts.includes(name))) throw new Error(`--only takes ${parts.join(",")}`);

const say = (text: string) => process.stderr.write(`${text}\n`);
const sections = [`# Alerts: ingest, storm and history`, table([["", "this run"], ...facts()])];
let isGood = true;

const postgres = await InterruptiblePostgres.start();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => void postgres.remove().then(() => process.exit(1)));
try {
  if (wanted.includes("storm")) await storm();
  if (wanted.includes("growth")) await growth();
  if (wanted.includes("rate")) await rate();
} finally {
  await postgres.remove();
}
const historyFile = join(import.meta.dirname, "history.ts");
if (wanted.includes("history") && existsSync(historyFile)) {
  say("history");
  const { measureHistory } = (await import(historyFile)) as { measureHistory: () => Promise<string> };
  sections.push(await measureHistory());
}
const report = `${sections.join("\n\n")}\n`;
writeFileSync(options.out, report);
process.stdout.write(report);
process.exit(isGood ? 0 : 1);

async function storm(): Promise<void> {
  const [alerts, ms] = options.quick ? [1_000, 20_000] : [10_000, 60_000];
  const forMs = options.quick ? 6_000 : 20_000;
  const kinds = {
    "shut down at once": { begin: () => postgres.end(), end: () => postgres.begin() },
    "frozen (SIGSTOP)": { begin: async () => postgres.freeze(), end: async () => postgres.thaw() },
  };
  const results: [string, StormResult][] = [];
  const stolenBefore = cpuTimes();
  for (const [index, [name, kind]] of Object.entries(kinds).entries()) {
    say(`storm: ${alerts} alerts in ${ms / 1000} s, PostgreSQL ${name} for ${forMs / 1000} s`);
    results.push([name, await run(`storm_${index}`, { alerts, ms, outage: { fromMs: ms / 3, forMs, ...kind } })]);
  }
  const columns = results.map(([, result]) => result);
  const heads = results.map(([name]) => `PostgreSQL ${name}`);
  sections.push(
    `## Storm: ${format(alerts)} alerts in ${ms / 1000} s, PostgreSQL away for ${forMs / 1000} s in the middle`,
    printTable(heads, rowsOf(columns), { isGrowth: false }),
    ...columns.map(({ verdict }, index) =>
      verdict.passes
        ? `${heads[index]}: every episode that was told is stored exactly once, none is lost.`
        : `${heads[index]}: FAILED:\n${verdict.examples.map((example) => `* ${example}`).join("\n")}`,
    ),
    `The host gave ${format(stolenShare(stolenBefore) * 100)} % of this machine's CPU time to others meanwhile.`,
    `p95 of accepted requests under 100 ms: ${columns.map(({ latencies }) => (percentile(latencies, 0.95) < 100 ? "kept" : "MISSED")).join(", ")}.`,
  );
}

async function growth(): Promise<void> {
  const sizes = options.quick ? [100, 300, 1_000] : [100, 1_000, 10_000];
  const ms = options.quick ? 10_000 : 30_000;
  const results: StormResult[] = [];
  for (const alerts of sizes) {
    say(`growth: ${alerts} alerts in ${ms / 1000} s`);
    results.push(await run(`growth_${alerts}`, { alerts, ms, outage: null }));
  }
  sections.push(`## Growth: the same in ${ms / 1000} s, without an outage`, printTable(sizes.map(format), rowsOf(results)));
}

async function rate(): Promise<void> {
  say("rate");
  const url = await postgres.createDatabase("rate");
  const server = await startServer(url);
  const db = connectDatabase(url, { maxConnections: 2 });
  await ensureAlertSource(db, { name: "rate", secret, urls: [] });
  const ms = options.quick ? 3_000 : 10_000;
  const rates = await measureRates({ databaseUrl: url, webhookUrl: `${server.url}/rate`, secret, ms, percentile });
  await db.$disconnect();
  await server.stop();
  const lines = rates.ingest.map(({ alertsAWebhook, alertsPerSecond, p95Ms }) => [
    `${alertsAWebhook} an alert webhook`.replace(
      "an alert webhook",
      alertsAWebhook === 1 ? "alert a webhook" : "alerts a webhook",
    ),
    format(alertsPerSecond),
    format(rates.commits),
    format(alertsPerSecond / rates.commits),
    format(p95Ms),
  ]);
  sections.push(
    "## Rate: 32 webhooks at a time, every alert a new episode, 200 only after the commit",
    table([["", "alerts/s", "one-row commits/s, 32 clients", "ratio (goal >= 1)", "p95 (ms)"], ...lines]),
  );
}

async function run(name: string, what: Pick<StormSettings, "alerts" | "ms" | "outage">): Promise<StormResult> {
  const url = await postgres.createDatabase(name);
  const server = await startServer(url);
  const db = connectDatabase(url, { maxConnections: 4 });
  const settingsOf = (sourceName: string, { ms, ...rest }: Pick<StormSettings, "alerts" | "ms" | "outage">): StormSettings => ({
    ...rest,
    ms,
    db,
    databaseUrl: url,
    webhookUrl: `${server.url}/${sourceName}`,
    sourceName,
    secret: `${secret}-${sourceName}`,
    pollMs: Math.min(5_000, ms / 12),
    groupWaitMs: Math.min(1_000, ms / 60),
    groupIntervalMs: Math.min(5_000, ms / 12),
    maxAlerts: 100,
    maxUntoldShare: 0.01,
    seed: 5,
  });
  try {
    const { verdict: warm } = await runStorm(settingsOf("warm-up", warmUp));
    isGood &&= warm.passes;
    await db.alertSource.delete({ where: { name: "warm-up" } });
    const result = await runStorm(settingsOf("storm", what));
    isGood &&= result.verdict.passes;
    const { lost, duplicates, told } = result.verdict;
    say(`  ${told} told, ${lost} lost, ${duplicates} duplicates, p95 ${format(percentile(result.latencies, 0.95))} ms`);
    return result;
  } finally {
    await db.$disconnect();
    await server.stop();
  }
}

function rowsOf(results: readonly StormResult[]): Row[] {
  const row = (name: string, unit: string, value: (result: StormResult) => number): Row => ({
    name,
    unit,
    values: results.map(value),
  });
  return [
    row("episodes that happened", "", ({ verdict }) => verdict.happened),
    row("told by an accepted webhook or a poll", "", ({ verdict }) => verdict.told),
    row("never told by Alertmanager", "", ({ verdict }) => verdict.untold),
    row("overwritten in Alertmanager, stored with the one before", "", ({ verdict }) => verdict.overwritten),
    row("lost", "", ({ verdict }) => verdict.lost),
    row("duplicates", "", ({ verdict }) => verdict.duplicates),
    row("wrong start, end or state", "", ({ verdict }) => verdict.wrongStart + verdict.wrongEnd + verdict.wrongState),
    row("ends that only polls told", "", ({ verdict }) => verdict.endedByPoll),
    row("alerts cut off by max_alerts", "", ({ truncated }) => truncated),
    row("requests accepted", "", ({ attempts }) => attempts.accepted),
    row("alerts in them", "", ({ attempts }) => attempts.alerts),
    row("requests told to come again", "", ({ attempts }) => attempts.unavailable + attempts.failed),
    row("requests refused", "", ({ attempts }) => attempts.refused),
    row("median of accepted requests", "ms", ({ latencies }) => percentile(latencies, 0.5)),
    row("p95 of accepted requests", "ms", ({ latencies }) => percentile(latencies, 0.95)),
    row("longest accepted request", "ms", ({ latencies }) => percentile(latencies, 1)),
  ];
}

async function startServer(databaseUrl: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "webhook-server.ts")],
    {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = once(child, "exit");
  if (!child.stdout) throw new Error("the webhook server has no output");
  const [url] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** All CPU time of the machine so far, and what of it a host of virtual machines gave to others, in ticks; zero where nothing tells. */
function cpuTimes(): { all: number; stolen: number } {
  if (!existsSync("/proc/stat")) return { all: 0, stolen: 0 };
  const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/ +/) ?? [];
  const times = ticks.slice(0, 8).map(Number);
  return { all: times.reduce((sum, each) => sum + each, 0), stolen: times[7] ?? 0 };
}

function stolenShare(before: ReturnType<typeof cpuTimes>): number {
  const now = cpuTimes();
  return now.all === before.all ? 0 : (now.stolen - before.stolen) / (now.all - before.all);
}

function facts(): [string, string][] {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  return [
    ["date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
    ["commit", existsSync(join(import.meta.dirname, "../../../.git")) ? git("rev-parse", "--short", "HEAD") : "unknown"],
    ["machine", `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`],
    [
      "load average before",
      loadavg()
        .map((load) => load.toFixed(2))
        .join(" "),
    ],
    ["Node", process.version],
  ];
}
