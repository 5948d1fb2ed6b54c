/**
 * What sharing the charts' queries gives, beside clients that ask Prometheus themselves, in one run.
 *
 * Real: Prometheus (Debian's) with 200 series of a past that promtool put into its blocks, the proxy that counts what it is asked,
 * PostgreSQL, the product's getPanelsJson with its PanelStore and PrometheusClient in a process of its own, HTTP between all of them.
 * Made up: the past's values, the fleet (one service), the clock of the console (so that minutes of refreshes take seconds). Left
 * out: Next, the session's check, TLS.
 *
 *   npm run bench:metrics -- [--only queries,answers,hanging] [--quick] [--out FILE]
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import startPostgres from "../../postgres.setup.ts";
import { createTestDatabase } from "../../postgres.ts";
import { startTestPrometheus } from "../../prometheus.ts";
import { isReached, report, type Section } from "../daemons/report.ts";
import { ConsoleProcess, closeConnections } from "./clients.ts";
import { CountingProxy } from "./counting-proxy.ts";
import { type Bench, measureAnswers, measureHanging, measureQueries } from "./measurements.ts";
import { relayPast } from "./relay-past.ts";

const areas: Record<string, (bench: Bench) => Promise<Section>> = {
  queries: measureQueries,
  answers: measureAnswers,
  hanging: measureHanging,
};
const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(areas).join(",") },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "results.md") },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);
const loadBefore = loadavg()
  .map((load) => load.toFixed(2))
  .join(" ");

const closers: (() => unknown)[] = [];
const sections: Section[] = [];
let series = 0;
try {
  say("PostgreSQL, Prometheus and its past ...");
  closers.push(await startPostgres());
  const { url: databaseUrl, drop } = await createTestDatabase();
  closers.push(drop);
  const end = Math.floor(Date.now() / 60_000) * 60 - 60;
  const past = relayPast(end);
  series = past.series;
  const prometheus = await startTestPrometheus(past.text);
  closers.push(prometheus.stop);
  const proxy = new CountingProxy(prometheus.url);
  closers.push(() => proxy.stop());
  const proxyUrl = await proxy.start();
  const console = await ConsoleProcess.start(proxyUrl, databaseUrl);
  closers.push(() => console.stop());
  for (const name of options.only.split(",")) {
    say(`${name}:`);
    const measure = areas[name];
    if (!measure) throw new Error(`--only takes ${Object.keys(areas).join(",")}, not ${name}`);
    sections.push(await measure({ console, proxy, proxyUrl, prometheusUrl: prometheus.url, end, quick: options.quick, say }));
  }
} finally {
  closeConnections();
  for (const close of closers.reverse()) await close();
}

const facts: [string, string][] = [
  ["date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
  ["commit", execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" }).trim()],
  ["machine", `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`],
  ["load average before", loadBefore],
  ["Node", process.version],
  ["Prometheus", /version (\S+)/.exec(execFileSync("prometheus", ["--version"], { encoding: "utf8" }))?.[1] ?? "unknown"],
  ["series", `${series}, a sample every 5 s for 2 h`],
  ["rounds", options.quick ? "quick: few and short, figures are rough" : "full"],
];
const title = "Charts shared by all viewers, beside clients that ask Prometheus";
const scope = [
  "Real: Prometheus, PostgreSQL, the product's queries with their store and Prometheus client in a process of their own, HTTP",
  "between all. Made up: the past's values, the fleet (one relay service), the console's clock. Left out: Next, sessions, TLS.",
].join("\n");
const text = report(facts, sections, title).replace("\n\n", `\n\n${scope}\n\n`);
writeFileSync(options.out, text);
process.stdout.write(text);
const goals = sections.flatMap((section) => section.goals);
say(`${goals.filter((goal) => isReached(goal)).length} of ${goals.length} goals reached; written to ${options.out}`);
