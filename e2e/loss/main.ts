/**
 * Starts the real daemons on loopback, breaks one thing after another under load, and accounts for every message.
 *
 *   npm run test:loss -- [--only WORDS] [--rate 100] [--producers 4] [--rounds 1] [--histories DIR]
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { edgeCases } from "./edge-cases.ts";
import { History, judge, type Verdict, verdictTable } from "./history.ts";
import { relayCases } from "./relay-cases.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rate: { type: "string", default: "100" },
    producers: { type: "string", default: "4" },
    rounds: { type: "string", default: "1" },
    histories: { type: "string" },
  },
});
const load = { perSecond: Number(options.rate), producers: Number(options.producers) };
const groups = [relayCases(load), edgeCases(load)];
const results: { name: string; verdict: Verdict }[] = [];
if (options.histories) mkdirSync(options.histories, { recursive: true });
try {
  for (let round = 1; round <= Number(options.rounds); round += 1) {
    for (const { name, isControl = false, run } of groups.flatMap(({ cases }) => cases)) {
      if (!name.includes(options.only)) continue;
      process.stderr.write(`${name} ...\n`);
      const history = new History();
      try {
        await run(history);
      } catch (error) {
        history.add({ kind: "wrong", what: `the run did not come to its end: ${error}` });
      }
      if (options.histories) history.save(join(options.histories, `${round} ${name.replaceAll(/[^\w]+/g, "-")}.jsonl`));
      const verdict = judge(history.events);
      results.push({
        name,
        verdict: isControl ? { ...verdict, passes: verdict.lost > 0 && verdict.wrong.length === 0 } : verdict,
      });
    }
  }
} finally {
  await Promise.all(groups.map(({ stop }) => stop()));
}
process.stdout.write(`${verdictTable(results)}\n`);
process.exitCode = results.length > 0 && results.every(({ verdict }) => verdict.passes) ? 0 : 1;
