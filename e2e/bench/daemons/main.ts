/**
 * Runs the daemons beside their peers on this machine, and says which goals are reached. Every ratio is of one run: peer and ours
 * take turns, and the median of the rounds' ratios counts. Absolute figures change with what else the machine does.
 *
 *   npm run bench:daemons -- [--only relay,connector,hub,edge] [--quick] [--profile DIR] [--out FILE]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { peerVersions } from "./peers.ts";
import { type Area, isReached, report, type Section } from "./report.ts";

const areas: Record<string, () => Promise<Area>> = {
  relay: async () => (await import("./relay.ts")).measureRelay,
  connector: async () => (await import("./connector.ts")).measureConnector,
  hub: async () => (await import("./hub.ts")).measureHub,
  edge: async () => (await import("./edge.ts")).measureEdge,
};

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(areas).join(",") },
    quick: { type: "boolean", default: false },
    profile: { type: "string" },
    out: { type: "string", default: join(import.meta.dirname, "results.md") },
  },
});
const wanted = options.only.split(",");
const unknown = wanted.filter((name) => !(name in areas));
if (unknown.length > 0) throw new Error(`--only takes ${Object.keys(areas).join(",")}, not ${unknown.join(",")}`);
if (options.profile) mkdirSync(options.profile, { recursive: true });

const say = (text: string) => process.stderr.write(`${text}\n`);
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => abort.abort(new Error(`ended by ${name}`)));

const facts: [string, string][] = [
  ["date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
  ["commit", commit()],
  ["machine", `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`],
  [
    "load average before",
    loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
  ],
  ["Node", process.version],
  ...(await peerVersions()),
  ["rounds", options.quick ? "quick: few and short, figures are rough" : "full"],
];
const sections: Section[] = [];
for (const name of wanted) {
  say(`${name}:`);
  try {
    const area = await areas[name]?.();
    if (area) sections.push(...(await area({ quick: options.quick, profileDir: options.profile, say, signal: abort.signal })));
  } catch (error) {
    if (abort.signal.aborted) break;
    say(error instanceof Error ? String(error.stack) : String(error));
    sections.push({ title: `${name}: did not run (${error})`, goals: [] });
    process.exitCode = 1;
  }
  writeFileSync(options.out, report(facts, sections));
}
process.stdout.write(report(facts, sections));
if (abort.signal.aborted) process.exitCode = 1;
const goals = sections.flatMap((section) => section.goals);
say(`${goals.filter((goal) => isReached(goal)).length} of ${goals.length} goals reached; written to ${options.out}`);

function commit(): string {
  try {
    const run = (...args: string[]) => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
    return `${run("rev-parse", "--short", "HEAD")}${run("status", "--porcelain", "--", "../../../services", "../../../lib") ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}
