/**
 * Measures the console's way from the cluster to the browser beside its peers, each goal as a ratio within one run.
 *
 *   npm run bench:dashboard -- [--only decode,resync,traffic,stream,audit] [--quick] [--out FILE]
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type AreaOptions, isReached, report, type Section } from "../daemons/report.ts";

const areas: Record<string, (options: AreaOptions) => Promise<Section>> = {
  decode: async (options) => (await import("./decode.ts")).measureDecode(options),
  resync: async (options) => (await import("./resync.ts")).measureResync(options),
  traffic: async (options) => (await import("./traffic.ts")).measureTraffic(options),
  stream: async (options) => (await import("./stream.ts")).measureStream(options),
  audit: async (options) => (await import("./audit.ts")).measureAudit(options),
};

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(areas).join(",") },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "results.md") },
  },
});
const wanted = options.only.split(",");
const unknown = wanted.filter((name) => !(name in areas));
if (unknown.length > 0) throw new Error(`--only takes ${Object.keys(areas).join(",")}, not ${unknown.join(",")}`);

const say = (text: string) => process.stderr.write(`${text}\n`);
const load = () =>
  loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
const facts: [string, string][] = [
  ["date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
  ["machine", `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`],
  ["load average before", load()],
  ["Node", process.version],
  ["rounds", options.quick ? "quick: few and short, figures are rough" : "full"],
];
const sections: Section[] = [];
let text = "";
for (const name of wanted) {
  say(`${name}:`);
  try {
    const area = areas[name];
    const abort = new AbortController();
    if (area) sections.push(await area({ quick: options.quick, profileDir: undefined, say, signal: abort.signal }));
  } catch (error) {
    say(error instanceof Error ? String(error.stack) : String(error));
    sections.push({ title: `${name}: did not run (${error})`, goals: [] });
    process.exitCode = 1;
  }
  // What was measured is kept when a later area is interrupted.
  text = report([...facts, ["load average after", load()]], sections, "The console beside its peers");
  writeFileSync(options.out, text);
}
process.stdout.write(text);
const goals = sections.flatMap((section) => section.goals);
say(`${goals.filter((goal) => isReached(goal)).length} of ${goals.length} goals reached; written to ${options.out}`);
