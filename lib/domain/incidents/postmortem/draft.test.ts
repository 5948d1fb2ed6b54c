import { describe, expect, test } from "vitest";
import { readMarkdown } from "../../markdown/blocks.ts";
import { toHtml } from "../../markdown/html.ts";
import { type DraftFacts, draftPostmortem, unwrittenSections } from "./draft.ts";
import { allowedPostmortemCommands, gapsOf } from "./gaps.ts";
import type { Impact } from "./schemas.ts";

const impact: Impact = {
  from: "2026-11-21T12:00:00.000Z",
  to: "2026-11-21T12:10:00.000Z",
  until: "recovered",
  measuredAt: "2026-11-21T12:30:00.000Z",
  problem: null,
  services: [
    {
      service: "fleet/relay",
      own: { bad: 1234.4, all: 60_000 },
      probes: { bad: 3, all: 300 },
      connections: { before: 480, most: 512 },
      latencyP95: { before: 0.0123, during: 0.81 },
      budgets: [{ kind: "availability", target: 0.999, windowDays: 30, spent: 0.1234, seenBy: "prober" }],
    },
  ],
};

const facts: DraftFacts = {
  number: 12,
  title: "The relay is slow",
  severity: "P1",
  services: ["fleet/relay"],
  clock: {
    impactStartedAt: "2026-11-21T12:00:00.000Z",
    impactStartSource: "alert",
    detectedAt: "2026-11-21T12:01:30.000Z",
    acknowledgedAt: "2026-11-21T12:03:00.000Z",
    mitigatedAt: "2026-11-21T12:10:00.000Z",
    resolvedAt: null,
  },
  openedBy: "Switchyard",
  noticedBy: "an alert",
  commander: "olga",
  responders: ["otto"],
  owner: "olga",
  overrideReason: null,
  timeline: [
    {
      at: "2026-11-21T11:58:00.000Z",
      kind: "rollout",
      message: "Rollout [slow] to 2.1.0",
      by: "otto",
      href: "/fleet/fleet/relay?from=1&to=2",
      isHidden: false,
    },
    {
      at: "2026-11-21T12:01:30.000Z",
      kind: "alert",
      message: "RelayHighLatency fires",
      by: "Switchyard",
      href: null,
      isHidden: false,
    },
    { at: "2026-11-21T12:02:00.000Z", kind: "note", message: "Is it | the\nimage?", by: "olga", href: null, isHidden: false },
    { at: "2026-11-21T12:02:30.000Z", kind: "note", message: "A secret slipped in", by: "olga", href: null, isHidden: true },
    {
      at: "2026-11-21T12:05:00.000Z",
      kind: "action",
      message: "Rollback to revision 7",
      by: "olga",
      href: null,
      isHidden: false,
    },
  ],
  links: [{ kind: "alert", title: "RelayHighLatency on fleet/relay", href: "/alerts/a" }],
  recovery: {
    service: "fleet/relay",
    indicator: { name: "latency-p95", title: "Latency, p95", unit: "seconds", limit: 0.05, bad: "above" },
    before: 0.012,
    during: 0.8,
    after: 0.013,
    recoveredAt: "2026-11-21T12:05:40.000Z",
  },
  impact,
};
const text = draftPostmortem(facts);
const section = (title: string) => text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";

describe("a draft", () => {
  test("begins with what it is about: severity, people, times and what they took", () => {
    const head = text.split("## Summary")[0];
    expect(head).toContain("# INC-12: The relay is slow");
    for (const row of [
      "P1, critical",
      "`fleet/relay`",
      "2026-11-21 12:01:30 UTC (TTD 1 m 30 s)",
      "(TTA 1 m 30 s)",
      "(TTM 10 m)",
      "| Resolved | not known |",
    ]) {
      expect(head).toContain(row);
    }
  });

  test("tells the impact in numbers", () => {
    expect(section("Impact")).toContain("to 2026-11-21 12:10:00 UTC, the recovery by the data: **10 m**.");
    for (const row of [
      "| Failed operations | **1,234** (2.06 % of 60,000), by the service's own word |",
      "| Failed operations of the prober | 3 (1 % of 300) |",
      "| Affected connections | at most 512; 480 when it began |",
      "| Latency, p95 | 810 ms; 12.3 ms before |",
      "| Error budget, availability | **12.3 %** of 30 days' budget spent (objective 99.9 %, as the prober saw it) |",
    ]) {
      expect(section("Impact")).toContain(row);
    }
  });

  test("says why there are no numbers, and invents none", () => {
    const unknown = {
      service: "fleet/relay",
      own: null,
      probes: null,
      connections: { before: null, most: null },
      latencyP95: { before: null, during: null },
      budgets: [],
    };
    const silent = draftPostmortem({
      ...facts,
      impact: { ...impact, services: [unknown], problem: "Prometheus cannot be asked." },
    });
    expect(silent).toContain("Not measured: Prometheus cannot be asked.");
    expect(silent).not.toContain("Failed operations");
    expect(draftPostmortem({ ...facts, impact: { ...impact, services: [unknown] } })).toContain(
      "| Failed operations | not known: nobody counted it |",
    );
  });

  test("names what changed before the impact, what was done, and the recovery by the data", () => {
    expect(section("Trigger")).toContain("- 2 m before: [Rollout \\[slow\\] to 2.1.0](/fleet/fleet/relay?from=1&to=2) (otto)");
    expect(section("Detection")).toContain("[RelayHighLatency on fleet/relay](/alerts/a)");
    expect(section("Resolution")).toContain("- 2026-11-21 12:05:00 UTC: Rollback to revision 7 (olga)");
    expect(section("Resolution")).toContain("**Recovered at 2026-11-21 12:05:40 UTC**, by the data.");
    expect(section("Resolution")).toContain("| 12 ms | 800 ms | 13 ms |");
  });

  test("has the timeline without what is hidden, each row a line with its chart", () => {
    const rows = section("Timeline")
      .split("\n")
      .filter((line) => line.startsWith("| 2026"));
    expect(rows).toHaveLength(4);
    expect(rows[0]).toContain("[chart](/fleet/fleet/relay?from=1&to=2)");
    expect(rows[2]).toContain("Is it \\| the image?");
    expect(text).not.toContain("secret");
  });

  test("marks a resolve in spite of the evidence", () => {
    expect(text).not.toContain("in spite");
    expect(draftPostmortem({ ...facts, overrideReason: "the prober is down" })).toContain(
      "> **Resolved in spite of the evidence.** Reason given: the prober is down",
    );
  });

  test("is Markdown that becomes tables and headings", () => {
    const html = toHtml(readMarkdown(text));
    expect(html.match(/<h2>/g)).toHaveLength(12);
    expect(html.match(/<table>/g)).toHaveLength(4);
  });
});

describe("what is to be written", () => {
  test("is found by its section until somebody has written it", () => {
    expect(unwrittenSections(text)).toEqual([
      "Summary",
      "What happened",
      "Trigger",
      "Root causes and contributing factors",
      "Detection",
      "Resolution",
      "What went well",
      "What went badly",
      "Where we were lucky",
    ]);
    expect(unwrittenSections(text.replaceAll(/_To be written: .*_/g, "Written."))).toEqual([]);
  });

  const whole = { text: "# All", isResolved: true, isRequired: true, items: 1, openComments: 0 };

  test("keeps a postmortem from being published, with whatever else is missing", () => {
    expect(gapsOf(whole)).toEqual([]);
    expect(gapsOf({ ...whole, items: 0, isRequired: false })).toEqual([]);
    const gaps = gapsOf({ text, isResolved: false, isRequired: true, items: 0, openComments: 2 });
    expect(gaps.map(({ id }) => id)).toEqual(["unresolved", "unwritten", "no-items", "comments"]);
    expect(allowedPostmortemCommands("draft", gaps)).toMatchObject({
      review: null,
      publish: expect.stringContaining("2 comments"),
      reopen: "It is a draft.",
    });
  });

  test("is nothing more once it is published", () => {
    expect(allowedPostmortemCommands("published", gapsOf({ ...whole, items: 0 }))).toEqual({
      review: "It is published.",
      publish: "It is published already.",
      reopen: null,
    });
  });
});
