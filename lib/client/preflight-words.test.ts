import { describe, expect, it } from "vitest";
import { summarisePreflight } from "./preflight-words.ts";
import { aBlocker, aCheck, aPreflightRecord } from "./rollout-fixtures.ts";

describe("what was checked before a rollout, in a line", () => {
  it("counts what passed by itself and what a person answered for", () => {
    const tick = { by: "olga", at: "2026-11-21T11:58:00.000Z" };
    const record = aPreflightRecord({
      checklist: [
        aCheck({ id: "readiness" }),
        aCheck({ id: "limits" }),
        aCheck({ id: "tests", group: "manual" }),
        aCheck({ id: "load-test", group: "manual", state: "manual" }),
      ],
      ticks: [{ id: "tests", ...tick }],
    });
    expect(summarisePreflight(record)).toEqual({
      words: ["2 checks passed", "1 answered for by olga", "1 not answered for"],
      failed: [],
      blockers: [],
    });
  });

  it("lists what failed and what could not be asked, and lets no blocker be counted twice", () => {
    const pinned = aCheck({ id: "image-pinned", state: "failed", isBlocker: true });
    const hour = aCheck({ id: "stable-hour", state: "failed" });
    const { words, failed, blockers } = summarisePreflight(
      aPreflightRecord({
        checklist: [pinned, hour, aCheck({ id: "room", state: "unknown" })],
        blockers: [aBlocker({ id: "image-pinned" })],
        override: { reason: "the fix cannot wait", by: "ada", at: "2026-11-21T11:58:00.000Z" },
      }),
    );
    expect(words).toEqual(["0 checks passed", "1 failed", "1 unknown", "1 overridden by ada: the fix cannot wait"]);
    expect(failed).toEqual([hour]);
    expect(blockers).toMatchObject([{ id: "image-pinned", fate: "overridden" }]);
  });

  it("tells what it waited for apart from what was overridden", () => {
    const blockers = [aBlocker({ id: "active", canOverride: false, canQueue: true }), aBlocker({ id: "freeze", canQueue: true })];
    const waited = summarisePreflight(aPreflightRecord({ blockers }));
    expect([waited.words.at(-1), ...waited.blockers.map(({ fate }) => fate)]).toEqual(["2 waited for", "waited", "waited"]);
    const override = { reason: "the fix cannot wait", by: "ada", at: "2026-11-21T11:58:00.000Z" };
    const both = summarisePreflight(aPreflightRecord({ blockers, override }));
    expect(both.words.slice(-2)).toEqual(["1 waited for", "1 overridden by ada: the fix cannot wait"]);
    expect(both.blockers.map(({ fate }) => fate)).toEqual(["waited", "overridden"]);
  });
});
