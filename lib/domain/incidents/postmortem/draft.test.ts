import { describe, expect, test } from "vitest";
import { readMarkdown } from "../../markdown/blocks.ts";
import { toHtml } from "../../markdown/html.ts";
import { draftPostmortem, unwrittenSections } from "./draft.ts";
import { allowedPostmortemCommands, gapsOf, whyNotApprover } from "./gaps.ts";
import { testFacts, testImpact } from "./test-facts.ts";

const text = draftPostmortem(testFacts);
const section = (title: string, of = text) => of.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";

describe("a draft", () => {
  test("sums up when, for how long, what it did to whom, and what was changed before", () => {
    for (const words of [
      "`fleet/relay` was impaired for 5 m 40 s: from 2026-11-21 12:00:00 UTC to 2026-11-21 12:05:40 UTC, when it recovered by the data.",
      "1,234 operations failed (2.06 %)",
      "95 % of the operations took up to 810 ms, before 12.3 ms",
      "at most 512 connections were affected",
      "12.3 % of 30 days' error budget was spent, by the requests that Prometheus has of them",
      "The closest change was [Image of relay: 2.0.0 → 2.1.0. Reason: \\[slow\\] one](/rollouts/r), 2 m before, on relay itself.",
    ]) {
      expect(section("Summary")).toContain(words);
    }
  });

  test("invents nothing: without figures, an end or a change it says so", () => {
    const silent = draftPostmortem({
      ...testFacts,
      impact: { ...testImpact, services: [] },
      clock: { ...testFacts.clock, impactStartSource: "unknown", acknowledgedAt: null, mitigatedAt: null },
      recoveredAt: null,
      recoveries: [],
      suspects: [],
    });
    expect(section("Summary", silent)).toContain("at the time of this draft that was not over.");
    expect(section("Summary", silent)).not.toMatch(/failed|closest/);
    expect(section("Trigger", silent)).toContain("No change is known within the 30 minutes before the impact.");
    expect(section("Detection", silent)).toContain("since when it did harm is not known. When somebody took it is not known.");
    expect(section("Resolution", silent)).toContain("The recovery was not measured.");
  });

  test("names the suspect also when it is a change of what the service needs, and none of its own timeline", () => {
    const suspects = testFacts.suspects.map((suspect) => ({
      ...suspect,
      service: "fleet/redis",
      message: "Restart of redis",
      actor: "ada",
    }));
    const draft = draftPostmortem({ ...testFacts, timeline: [], suspects });
    expect(section("Trigger", draft)).toContain("- [Restart of redis](/rollouts/r), 2 m before, on relay itself (ada)");
  });

  test("names the alert, what was done, its verdict and the recovery by the data", () => {
    expect(section("Detection")).toContain(
      "It was noticed by an alert at 2026-11-21 12:01:30 UTC, 1 m 30 s after the impact began. Somebody took it 1 m 30 s later.",
    );
    expect(section("Detection")).toContain("- Alert: [RelayHighLatency on fleet/relay](/alerts/a)");
    expect(section("Resolution")).toContain(
      "- 2026-11-21 12:05:00 UTC: [Rollback of relay: to revision 7.](/fleet/fleet/relay?from=3&to=4) (olga)",
    );
    expect(section("Resolution")).toContain(
      "Rollback of relay verified: p95 over 30 s is 13 ms, was 800 ms; 41 s after the click",
    );
    expect(section("Resolution")).toContain("**Recovered at 2026-11-21 12:05:40 UTC**, by the data.");
    expect(section("Resolution")).toContain("was 12 ms before, 800 ms at its worst and 13 ms after (limit 50 ms).");
  });

  test("counts what was done after the end of the incident to no resolution of it", () => {
    const clock = { ...testFacts.clock, resolvedAt: "2026-11-21T12:04:00.000Z" };
    const resolution = section("Resolution", draftPostmortem({ ...testFacts, clock }));
    expect(resolution).not.toContain("to revision 7");
    expect(resolution).toContain("Rollback of relay verified");
  });

  test("says of what was never bad that it was not, and not that it has not recovered", () => {
    const recoveries = testFacts.recoveries.map((one) => ({
      ...one,
      before: null,
      during: null,
      after: null,
      recoveredAt: null,
    }));
    const draft = section("Resolution", draftPostmortem({ ...testFacts, recoveries, recoveredAt: null }));
    expect(draft).toContain("By the data nothing was bad, or nobody could know.");
    expect(draft).not.toMatch(/has not recovered|not known at its worst/);
    const bad = testFacts.recoveries.map((one) => ({ ...one, recoveredAt: null }));
    expect(draftPostmortem({ ...testFacts, recoveries: bad, recoveredAt: null })).toContain("It has not recovered by the data.");
  });

  test("stays short however long the incident's timeline is, as that is no part of the text", () => {
    const row = { at: "2026-11-21T12:03:00.000Z", kind: "action" as const, message: "x".repeat(2_000), by: "o", href: null };
    const long = draftPostmortem({ ...testFacts, timeline: Array.from({ length: 1_000 }, () => row) });
    expect(long.length).toBeLessThan(60_000);
    expect(text).not.toContain("## Timeline");
  });

  test("is Markdown that becomes headings", () => {
    expect(toHtml(readMarkdown(text)).match(/<h2/g)).toHaveLength(9);
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

  test("is looked for in a moment also in a line of nothing but spaces", () => {
    const began = performance.now();
    unwrittenSections(`# a${" ".repeat(150_000)}b\n${" ".repeat(40_000)}_To be written: ${"_ ".repeat(4_000)}`);
    expect(performance.now() - began).toBeLessThan(200);
  });

  const approval = { at: "2026-11-21T12:40:00.000Z", by: "otto", version: 4 };
  const whole = { text: "# All", version: 4, isResolved: true, isRequired: true, items: 1, openComments: 0, approval };

  test("keeps a postmortem from being published, with whatever else is missing", () => {
    expect(gapsOf(whole)).toEqual([]);
    expect(gapsOf({ ...whole, items: 0, approval: null, isRequired: false })).toEqual([]);
    const gaps = gapsOf({ ...whole, text, isResolved: false, items: 0, openComments: 2, approval: null });
    expect(gaps.map(({ id }) => id)).toEqual(["unresolved", "unwritten", "no-items", "comments", "approval"]);
    expect(allowedPostmortemCommands("draft", gaps, false)).toMatchObject({
      review: null,
      approve: "Nobody has asked for a review of it.",
      publish: expect.stringContaining("2 comments"),
      reopen: "It is not published.",
    });
  });

  test("is an approval anew once the text is another than the approved one", () => {
    expect(gapsOf({ ...whole, version: 5 })).toEqual([
      { id: "approval", message: "The text was changed after otto approved it." },
    ]);
    expect(allowedPostmortemCommands("review", [], true).approve).toBe("This text is approved already.");
  });

  test("is nothing more once it is published", () => {
    expect(allowedPostmortemCommands("published", gapsOf({ ...whole, items: 0 }), true)).toEqual({
      review: "It is published.",
      approve: "It is published.",
      return: "It is published.",
      publish: "It is published already.",
      reopen: null,
    });
  });
});

test("who owns it, asked for the review or wrote it does not approve it", () => {
  const of = { owner: "olga", askedBy: "otto", writers: ["ada", "olga"] };
  expect(whyNotApprover("olga", of)).toContain("You own it");
  expect(whyNotApprover("otto", of)).toContain("You asked for this review");
  expect(whyNotApprover("ada", of)).toContain("You wrote the text");
  expect(whyNotApprover("eve", of)).toBeNull();
});
