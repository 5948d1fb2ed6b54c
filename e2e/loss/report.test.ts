import { expect, it } from "vitest";
import { History, judge } from "./history.ts";
import { type CaseResult, markdownReport, textReport } from "./report.ts";

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

it("writes the same as Markdown, with the date, the commit and the machine", () => {
  const page = markdownReport(results, "npm run test:loss");
  expect(page).toMatch(/\d{4}-\d\d-\d\dT[\d:.]+Z, commit \w+.*, \d+ x .* GiB, Linux .*, Node v\d+/);
  expect(page).toContain("| a case | 2 | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 1 | 3 | FAULT |");
  expect(page).toContain("* another: skipped: this machine has no tmpfs");
});
