import { describe, expect, test } from "vitest";
import type { ItemView } from "../action-items/schemas.ts";
import { layOut, momentsOf } from "./chart-picture.ts";
import { composeDocument, type Exported, itemTable } from "./document.ts";
import { withFiles } from "./export.ts";
import { pageOf } from "./page.ts";
import { testFacts, testImpact } from "./test-facts.ts";

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

const exported: Exported = {
  incidentId: "019b0000-0000-7000-8000-000000000000",
  state: "published",
  ownerName: "olga",
  text: "## Summary\n\nIt was slow.\n\n## What happened\n\nThe story.",
  version: 5,
  updatedAt: new Date("2026-11-21T13:00:00Z"),
  approvedByName: "otto",
  publishedAt: new Date("2026-11-21T13:30:00Z"),
  overrideReason: null,
  facts: testFacts,
  items: [item],
};
const now = new Date("2026-11-22T08:00:00Z");
const markdownOf = (change: Partial<Exported> = {}) =>
  composeDocument({ ...exported, ...change }, ["a caption"], now)
    .map((part) => ("markdown" in part ? part.markdown : `<chart ${part.chart}>`))
    .join("\n\n");
const markdown = markdownOf();

describe("the document", () => {
  test("begins with what it is about: severity, people, times and what they took", () => {
    for (const row of [
      "# INC-12: The relay is slow",
      "| Severity | P1, critical |",
      "| Owner | olga |",
      "| Impact began | 2026-11-21 12:00:00 UTC (measured: the first bad value) |",
      "| Detected | 2026-11-21 12:01:30 UTC (TTD 1 m 30 s) |",
      "(TTM 10 m)",
      "| Recovered, by the data | 2026-11-21 12:05:40 UTC |",
      "| Resolved | not known |",
    ]) {
      expect(markdown).toContain(row);
    }
  });

  test("tells the impact in numbers", () => {
    for (const row of [
      "From 2026-11-21 12:00:00 UTC to 2026-11-21 12:05:40 UTC, the recovery by the data: **5 m 40 s**.",
      "| Failed operations | **1,234** (2.06 % of 60,000), by the service's own word |",
      "| Failed operations of the prober | 3 (1 % of 300) |",
      "| Affected connections | at most 512; 480 when it began |",
      "| Latency, p95 | 810 ms; 12.3 ms before |",
      "| Error budget, availability | **12.3 %** of 30 days' budget spent, by the requests that Prometheus has of them (objective 99.9 %, as the prober saw it) |",
    ]) {
      expect(markdown).toContain(row);
    }
    const problem = "Prometheus cannot be asked.";
    expect(markdownOf({ facts: { ...testFacts, impact: { ...testImpact, problem } } })).toContain(`Not measured: ${problem}`);
  });

  test("has a resolve in spite of the evidence marked, whenever that came, and a publication over what was missing", () => {
    expect(markdown).not.toContain("in spite");
    expect(markdownOf({ facts: { ...testFacts, overrideReason: "the prober is down" } })).toContain(
      "> **Resolved in spite of the evidence.** Reason given: the prober is down",
    );
    expect(markdownOf({ overrideReason: "the auditor waits" })).toContain(
      "> **Published although something was missing.** Reason given: the auditor waits",
    );
  });

  test("has the summary, the figures, the story, the changes before, the timeline and what is to be done, in this order", () => {
    const places = [
      "It was slow.",
      "## Impact",
      "<chart 0>",
      "| 12 ms | 800 ms | 13 ms | 50 ms | 2026-11-21 12:05:40 UTC |",
      "The story.",
      "## Changes before the impact",
      "p95 12 ms → 800 ms",
      "| 2026-11-21 12:02:00 UTC | Is it \\| the **image**? | olga |  |",
      "[chart](/fleet/fleet/relay?from=3&to=4)",
      "AI-3",
      "version 5, published 2026-11-21 13:30 UTC, approved by otto.",
    ].map((words) => markdown.indexOf(words));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test("shows what Switchyard wrote as it is, without marks that somebody's words would make", () => {
    expect(markdown).toContain("Reason: \\[slow\\] one");
  });

  test("says how many rows of a long timeline are left out", () => {
    expect(markdownOf({ facts: { ...testFacts, timelineTotal: 1_205 } })).toContain(
      `1,200 more rows are in [the incident's timeline](/incidents/${exported.incidentId}).`,
    );
  });
});

describe("the action items of a document", () => {
  test("stand as rows, what is in a cell does not end it", () => {
    expect(itemTable([item]).at(-1)).toBe(
      "| AI-3 | [Test latency \\| before](https://tracker.example/1) | Prevent | otto | 2026-12-01 | open |",
    );
    expect(itemTable([])).toEqual(["None."]);
  });

  test("say which are overdue and what closed them", () => {
    const stateOf = (change: Partial<ItemView>) =>
      itemTable([{ ...item, ...change }])
        .at(-1)
        ?.split("|")
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

describe("the picture of a chart", () => {
  const [chart] = testFacts.charts;
  if (!chart) throw new Error("there is no chart");
  const draw = () => layOut(chart, momentsOf("fleet/relay", testFacts));

  test("has a line with a gap where nothing is known, its limit, and what happened", () => {
    const picture = draw();
    expect(picture?.line.match(/[ML]/g)?.join("")).toBe("MLLMLLLL");
    expect(picture?.caption).toBe("p95 latency of fleet/relay; limit 50 ms; recovered 2026-11-21 12:05:40 UTC.");
    expect(picture?.marks.map(({ label }) => label)).toEqual(["image", "impact", "detected", "rollback", "recovered"]);
  });

  test("has no two labels over each other", () => {
    const marks = draw()?.marks ?? [];
    const rollback = marks.find(({ label }) => label === "rollback");
    const recovered = marks.find(({ label }) => label === "recovered");
    expect(recovered && rollback && recovered.x - rollback.x).toBeLessThan(66);
    expect(recovered?.row).not.toBe(rollback?.row);
  });

  test("is none of less than two points", () => {
    expect(layOut({ ...chart, values: [null, 1, null] }, [])).toBeNull();
  });
});

describe("the page", () => {
  const image = `/api/incidents/${exported.incidentId}/images/019b0000-0000-7000-8000-000000000001`;
  const timeline = [
    {
      at: "2026-11-21T12:02:00.000Z",
      kind: "note" as const,
      message: `- one\n- two\n\n![seen](${image})`,
      by: "olga",
      href: null,
    },
    { at: "2026-11-21T12:03:00.000Z", kind: "alert" as const, message: "<b>*fires*</b>", by: "Switchyard", href: "/alerts/a" },
  ];
  const facts = { ...testFacts, timeline, charts: testFacts.charts };
  const charts = facts.charts.flatMap((chart) => layOut(chart, momentsOf(chart.service, facts)) ?? []);
  const page = pageOf(composeDocument({ ...exported, facts }, ["caption"], now), {
    facts,
    charts,
    pictures: new Map([[image, "data:image/png;base64,AAAA"]]),
    base: "https://switchyard.example",
    nonce: "abc",
  });

  test("holds its charts and pictures itself, and asks nobody for anything", () => {
    expect(page).toContain('<img src="data:image/png;base64,AAAA" alt="seen">');
    expect(page.match(/<svg/g)).toHaveLength(1);
    expect(page).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;");
    expect(page).toContain('<style nonce="abc">');
    expect(page).not.toMatch(/<script|src="\/|href="\/|<link/);
  });

  test("shows notes as their Markdown, and what Switchyard wrote as it is", () => {
    expect(page).toContain("<li>one</li>");
    expect(page).toContain("&#60;b&#62;*fires*&#60;/b&#62;");
    expect(page).toContain('<a href="https://switchyard.example/alerts/a">chart</a>');
  });
});

test("in the Markdown pictures are files beside it, and links lead to Switchyard from anywhere", () => {
  const id = "019b0000-0000-7000-8000-000000000001";
  const incident = exported.incidentId;
  const text = `[a](/alerts/1) [b](https://b.example/x) (/c) ![x](/api/incidents/${incident}/images/${id})`;
  const pictures = [{ id, type: "image/jpeg", bytes: new Uint8Array() }];
  expect(withFiles(text, incident, pictures, "https://switchyard.example")).toBe(
    `[a](https://switchyard.example/alerts/1) [b](https://b.example/x) (/c) ![x](pictures/${id}.jpg)`,
  );
});
