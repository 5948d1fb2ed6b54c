import { expect, it } from "vitest";
import { History, judge } from "./history.ts";
import { type CaseResult, markdownReport, replaceRepeats, replaceRun, textReport } from "./report.ts";

const history = new History();
history.add({ kind: "sent", producer: "a", sequence: 1 });
history.add({ kind: "acknowledged", producer: "a", sequence: 1 });
history.add({ kind: "delivered", observer: "x", producer: "a", sequence: 2 });
const results: CaseResult[] = [
  { name: "a case", rounds: 2, seconds: 3.2, verdict: judge(history.events) },
  { name: "another", rounds: 0, seconds: 0, skipped: "this machine has no tmpfs" },
];

it("prints a line a case, and what was wrong or why it was skipped under it", () => {
  expect(textReport(results).split("\n")).toEqual([
    expect.stringMatching(/^case +rounds +sent +acknowledged +delivered +lost +duplicates +reordered +dropped/),
    expect.stringMatching(/^a case +2 +1 +1 +0 +1 +0 +0 +0 +0 +1 +3 +FAULT$/),
    expect.stringMatching(/^another +0( +-){10} +skipped$/),
    "a case: a:2 arrived and was never sent",
    "another: skipped: this machine has no tmpfs",
  ]);
});

it("tells under the table what a run has measured", () => {
  const measuring = new History();
  measuring.add({ kind: "measured", what: "median ratio 1.01, wanted at most 1.2: holds" });
  const measured: CaseResult[] = [
    { name: "a case", rounds: 1, seconds: 1, verdict: judge([...history.events, ...measuring.events]) },
  ];
  expect(textReport(measured).split("\n").at(-1)).toBe("a case: median ratio 1.01, wanted at most 1.2: holds");
  expect(markdownReport(measured, "run")).toContain("* a case: median ratio 1.01");
});

it("keeps the table of repeats when there is another full run, and the full run when there are other repeats", () => {
  const first = markdownReport(results, "full run 1");
  const repeated = replaceRepeats(first, results.slice(0, 1), "repeats 1");
  expect(repeated).toContain("by `full run 1`");
  expect(repeated.split("## Repeats")[1]).toContain("by `repeats 1`");
  const next = replaceRun(repeated, markdownReport(results, "full run 2"));
  expect(next).toContain("by `full run 2`");
  expect(next).not.toContain("full run 1");
  expect(next.split("## Repeats")[1]).toContain("by `repeats 1`");
  const again = replaceRepeats(next, results.slice(0, 1), "repeats 2");
  expect(again.split("## Repeats")).toHaveLength(2);
  expect(again).toContain("by `full run 2`");
  expect(again).not.toContain("repeats 1");
  expect(replaceRun("", first)).toBe(first);
});

it("writes the same as Markdown, with the date, the commit and the machine", () => {
  const page = markdownReport(results, "npm run test:loss");
  expect(page).toMatch(/\d{4}-\d\d-\d\dT[\d:.]+Z, commit \w+.*, \d+ x .* GiB, Linux .*, Node v\d+/);
  expect(page).toContain("| a case | 2 | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 1 | 3 | FAULT |");
  expect(page).toContain("* another: skipped: this machine has no tmpfs");
});
