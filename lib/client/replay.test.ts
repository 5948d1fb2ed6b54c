import { describe, expect, test } from "vitest";
import type { ReplayAnswer } from "#lib/domain/rollouts/analysis/replay-schemas.ts";
import { agrees, replaySummary, stopWords } from "./replay.ts";

const answer = (count: Partial<ReplayAnswer["count"]>): ReplayAnswer => {
  const full = { stopped: 0, paused: 0, "let-through": 0, unknown: 0, ...count };
  const total = Object.values(full).reduce((sum, each) => sum + each, 0);
  return { releases: new Array(total), count: full, leftOut: [] };
};

describe("the summary of a replay", () => {
  test("counts what the analysis would have done", () => {
    expect(replaySummary(answer({ stopped: 2, "let-through": 5, unknown: 1 }))).toBe(
      "Of 8 releases it would have stopped 2, let 5 through; of 1 Prometheus has no data.",
    );
  });
  test("says when nothing is known of any", () => {
    expect(replaySummary(answer({ unknown: 3 }))).toBe("Of 3 releases Prometheus has no data.");
  });
});

test("a replay agrees with a release that was let through and ended well, and not with one that it would have stopped", () => {
  expect(agrees({ outcome: "let-through", state: "complete" })).toBe(true);
  expect(agrees({ outcome: "stopped", state: "complete" })).toBe(false);
  expect(agrees({ outcome: "stopped", state: "aborted" })).toBe(true);
  expect(agrees({ outcome: "let-through", state: "failed" })).toBe(false);
  expect(agrees({ outcome: "unknown", state: "complete" })).toBeNull();
  expect(agrees({ outcome: "stopped", state: "superseded" })).toBeNull();
});

test("the moment of a stop counts from the release's beginning", () => {
  expect(stopWords({ outcome: "stopped", afterSeconds: 80 })).toBe("It would have been stopped after 1 m 20 s.");
  expect(stopWords({ outcome: "let-through", afterSeconds: null })).toBe("");
});
