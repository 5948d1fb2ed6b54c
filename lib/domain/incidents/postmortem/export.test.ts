import { describe, expect, test } from "vitest";
import type { ItemView } from "../action-items/schemas.ts";
import type { Recovery } from "../schemas.ts";
import { withAddresses, withItems } from "./export.ts";
import { spentBudgets } from "./impact.ts";
import { drawRecovery } from "./recovery-chart.ts";

const item: ItemView = {
  id: "item",
  number: 3,
  version: 1,
  incident: { id: "incident", number: 12, title: "Slow", severity: "P1" },
  title: "Test latency | before",
  type: "prevent",
  owner: "otto",
  dueOn: "2026-12-01",
  isOverdue: false,
  link: "https://tracker.example/1",
  state: "open",
  proof: null,
  proofResult: null,
  overrideReason: null,
  isWatched: true,
  createdAt: "2026-11-21T12:00:00.000Z",
  createdBy: "olga",
  closedAt: null,
  closedBy: null,
  reopenedAt: null,
  reopenReason: null,
};
const row = "| AI-3 | [Test latency \\| before](https://tracker.example/1) | Prevent | otto | 2026-12-01 | open |";

describe("the action items in an export", () => {
  test("stand below their heading in the place of what the draft said, before what follows", () => {
    const text =
      "# INC\n\n## Action items\n\nKept with the incident, with owner, date and proof; an export lists them here.\n\nOurs too.\n\n## Thanks\n\nTo all.";
    const lines = withItems(text, [item]).split("\n");
    expect(lines.join("\n")).not.toContain("Kept with");
    expect(lines.indexOf("Ours too.")).toBeLessThan(lines.indexOf(row));
    expect(lines.indexOf(row)).toBeLessThan(lines.indexOf("## Thanks"));
  });

  test("stand at the end of a text that has no such heading, and say when there are none", () => {
    expect(withItems("# INC", [item])).toContain("## Action items");
    expect(withItems("# INC", [])).toMatch(/## Action items\n\nNone\.$/);
  });

  test("say which are overdue and what closed them", () => {
    const stateOf = (change: Partial<ItemView>) =>
      withItems("", [{ ...item, ...change }])
        .split("|")
        .at(-2)
        ?.trim();
    expect(stateOf({ isOverdue: true })).toBe("overdue");
    expect(stateOf({ state: "done" })).toBe("done");
    const proof = { kind: "alert-rule" as const, rule: "r", withinSeconds: 60 };
    const proofResult = { verdict: "passed" as const, message: "It would.", at: item.createdAt };
    expect(stateOf({ state: "done", proof, proofResult })).toBe("done, proven");
    expect(stateOf({ state: "done", proof, proofResult, overrideReason: "no data" })).toBe("done, unproven: no data");
  });
});

describe("the picture of a recovery", () => {
  const recovery: Recovery = {
    service: "fleet/<relay>",
    indicator: { name: "latency-p95", title: "Latency, p95", unit: "seconds", limit: 0.05, bad: "above" },
    windowSeconds: 30,
    before: 0.01,
    during: 0.8,
    now: 0.01,
    after: 0.01,
    state: "good",
    goodSince: null,
    recoveredAt: "2026-11-21T12:03:00.000Z",
    points: [0.01, 0.8, null, 0.8, 0.01].map((value, minute) => ({ at: `2026-11-21T12:0${minute}:00.000Z`, value })),
  };

  test("has a line with a gap where nothing is known, the limit, and the recovery", () => {
    const picture = drawRecovery(recovery);
    const line = /<path d="([^"]*)" stroke="#1f5fbf"/.exec(picture)?.[1] ?? "";
    expect(line.match(/[ML]/g)?.join("")).toBe("MLML");
    expect(picture).toContain("limit 50 ms; recovered 2026-11-21 12:03:00 UTC.");
    expect(picture).not.toContain("<relay>");
  });

  test("is none of less than two points", () => {
    expect(drawRecovery({ ...recovery, points: recovery.points.slice(0, 1) })).toBe("");
  });
});

describe("the error budget that an incident has spent", () => {
  const usage = (bad: number, all: number) => ({
    prober: { bad: bad / 10, all: all / 10 },
    own: { bad, all },
    buckets: [
      { le: 0.05, count: all - bad },
      { le: Number.POSITIVE_INFINITY, count: all },
    ],
  });
  const objective = { availability: 0.999, latencyRatio: 0.99, latencySeconds: 0.05, windowDays: 30 };

  test("is its bad requests over those that the objective's window may have", () => {
    // 500 of 1,000,000 x 0.1 % = 1,000 that may be bad; 500 slow ones of 10,000 that may be.
    expect(
      spentBudgets(objective, usage(500, 5_000), usage(600, 1_000_000)).map(({ kind, spent, seenBy }) => [
        kind,
        Number(spent.toFixed(6)),
        seenBy,
      ]),
    ).toEqual([
      ["availability", 0.5, "prober"],
      ["latency", 0.05, "itself"],
    ]);
  });

  test("is unknown without requests in the window", () => {
    expect(spentBudgets(objective, usage(0, 0), usage(0, 0))).toEqual([]);
  });
});

test("links to Switchyard's pages name it, so that they lead there from anywhere", () => {
  expect(withAddresses("[a](/alerts/1) [b](https://b.example/x) (/c)", "https://switchyard.example/")).toBe(
    "[a](https://switchyard.example/alerts/1) [b](https://b.example/x) (/c)",
  );
});
