import { expect, test } from "vitest";
import { readRunbook, readRuns } from "./runbook.ts";
import runbooks from "./runbooks.json" with { type: "json" };

test("a runbook is read as sections of paragraphs and steps", () => {
  const text =
    "# Runbook: x\n\nWhat to do\nthen.\n\n## HighLatency\n\nIt is slow.\n\n1. Look at `kubectl get\n   pods`.\n2. Wait.\n\nIt is over then.\n\n## Other\n\nNo.\n";
  expect(readRunbook(text)).toEqual({
    title: "Runbook: x",
    intro: [{ kind: "paragraph", text: "What to do then." }],
    sections: [
      {
        title: "HighLatency",
        blocks: [
          { kind: "paragraph", text: "It is slow." },
          { kind: "steps", steps: ["Look at `kubectl get pods`.", "Wait."] },
          { kind: "paragraph", text: "It is over then." },
        ],
      },
      { title: "Other", blocks: [{ kind: "paragraph", text: "No." }] },
    ],
  });
});

test("words between backticks are code", () => {
  expect(readRuns("run `a b`, then `c`")).toEqual([
    { text: "run ", isCode: false },
    { text: "a b", isCode: true },
    { text: ", then ", isCode: false },
    { text: "c", isCode: true },
  ]);
});

test.each(Object.entries(runbooks))("every alert of the runbook of %s has something to do or to know", (_, text) => {
  const { title, intro, sections } = readRunbook(text);
  expect(title).toMatch(/^Runbook: /);
  expect(intro.length).toBeGreaterThan(0);
  for (const { title: alert, blocks } of sections) {
    expect(alert).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(
      blocks.some(({ kind }) => kind === "steps"),
      alert,
    ).toBe(true);
  }
});
