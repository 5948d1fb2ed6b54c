import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Case, type CaseGroup, Skip } from "./case.ts";
import { connectorCases } from "./connector-cases.ts";
import { edgeCases } from "./edge-cases.ts";
import { History, judge, sumVerdicts, type Verdict } from "./history.ts";
import { hubCases } from "./hub-cases.ts";
import { peerCases } from "./peer-cases.ts";
import { relayCases } from "./relay-cases.ts";
import { type CaseResult, markdownReport, replaceRepeats, replaceRun, textReport } from "./report.ts";

/** What main.ts runs: every case, group beside group, then the report. */
const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rate: { type: "string", default: "100" },
    producers: { type: "string", default: "4" },
    rounds: { type: "string", default: "1" },
    histories: { type: "string" },
    pairs: { type: "string", default: "20" },
    repeats: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
// A part of the cases does not replace the whole report unless that is asked for; repeats have a table of their own in it.
const isKept = options.repeats || options.only === "";
const out = options.out ?? (isKept ? join(import.meta.dirname, "results.md") : undefined);
const load = { perSecond: Number(options.rate), producers: Number(options.producers), pairs: Number(options.pairs) };
if (options.histories) mkdirSync(options.histories, { recursive: true });

const groups: CaseGroup[] = [relayCases(load), edgeCases(load), hubCases(load), connectorCases(), peerCases(load)];
const chosen = groups.map(({ cases }) => cases.filter(({ name }) => name.includes(options.only)));
const done = new Map<Case, CaseResult>();
await Promise.all(chosen.map((cases) => runInTurn(cases.filter(({ isAlone }) => !isAlone))));
await runInTurn(chosen.flat().filter(({ isAlone }) => isAlone));
await Promise.all(groups.map(({ stop }) => stop().catch((error) => process.stderr.write(`a site did not stop: ${error}\n`))));

const results = chosen.flat().flatMap((one) => done.get(one) ?? []);
process.stdout.write(`${textReport(results)}\n`);
const command = ["npm run test:loss", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" ");
if (out) {
  const page = existsSync(out) ? readFileSync(out, "utf8") : "";
  const changed = options.repeats ? replaceRepeats(page, results, command) : replaceRun(page, markdownReport(results, command));
  writeFileSync(out, changed);
}
const judged = results.flatMap((result) => ("verdict" in result && !result.isPeer ? [result.verdict] : []));
process.exit(results.length > 0 && judged.every(({ passes }) => passes) ? 0 : 1);

async function runInTurn(cases: Case[]): Promise<void> {
  for (const one of cases) {
    const result = await runCase(one);
    done.set(one, result);
    // Also a run that is interrupted has told what it found.
    if ("verdict" in result && !result.verdict.passes) process.stderr.write(`${textReport([result])}\n`);
  }
}

async function runCase(one: Case): Promise<CaseResult> {
  const { name, isPeer = false } = one;
  const startedAt = performance.now();
  const verdicts: Verdict[] = [];
  const rounds = Number(options.rounds);
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`${name}${rounds > 1 ? `, round ${round}` : ""} ...\n`);
    const outcome = await runRound(one, round);
    if (outcome instanceof Skip) return { name, rounds: 0, seconds: 0, skipped: outcome.message };
    verdicts.push(outcome);
  }
  return { name, rounds, isPeer, seconds: (performance.now() - startedAt) / 1000, verdict: sumVerdicts(verdicts) };
}

async function runRound({ name, run, ...expectations }: Case, round: number): Promise<Verdict | Skip> {
  const history = new History();
  try {
    await run(history);
  } catch (error) {
    if (error instanceof Skip) return error;
    history.add({ kind: "wrong", what: `the run did not come to its end: ${error}` });
  }
  if (options.histories) history.save(join(options.histories, `${round} ${name.replaceAll(/[^\w]+/g, "-")}.jsonl`));
  return judge(history.events, expectations);
}
