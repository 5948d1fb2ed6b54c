import { describe, expect, it } from "vitest";
import { type Judged, judgeDrill } from "./verdict.ts";

const judge = (over: Partial<Judged> = {}) =>
  judgeDrill({
    rtoObjectiveMs: 30_000,
    rpoObjectiveMs: 0,
    rtoMs: 2_400,
    rpoMs: 0,
    lostWrites: 0,
    errorMs: 600,
    isFaultConfirmed: true,
    isAborted: null,
    gaps: [],
    leftOver: null,
    isUndetected: false,
    failedChecks: [],
    isRehearsal: false,
    ...over,
  });

describe("the verdict of a drill", () => {
  it("is met when both figures are within their objectives, and says them with the error", () => {
    expect(judge()).toEqual({ verdict: "met", message: "Away for 2.4 s ± 600 ms; nothing was lost." });
    expect(judge({ rtoMs: 30_000 }).verdict).toBe("met");
  });

  it.each<[string, Partial<Judged>]>([
    ["clients were away for longer than the objective and the error", { rtoMs: 30_601 }],
    ["clients were not served again", { rtoMs: null }],
    ["one acknowledged write is gone where none may be", { lostWrites: 1, rpoMs: 0 }],
    ["more was lost than the objective permits", { rpoObjectiveMs: 10_000, lostWrites: 300, rpoMs: 11_000 }],
    ["no alert told of it", { isUndetected: true }],
    ["what was restored is not what was saved", { failedChecks: ["rows of documents"] }],
  ])("is missed when %s", (_, over) => {
    expect(judge(over).verdict).toBe("missed");
  });

  it.each<[string, Partial<Judged>]>([
    ["it was aborted, whatever was measured", { isAborted: "fleet/hub became unhealthy.", rtoMs: null }],
    ["the fault was not seen", { isFaultConfirmed: false }],
    ["there are gaps in what was watched", { gaps: ["The prober was restarted."] }],
    ["it was not cleaned up", { leftOver: "node-2 is off." }],
    ["the figure is closer to the objective than its error", { rtoMs: 30_500 }],
    ["nobody knows what was lost", { lostWrites: null, rpoMs: null }],
  ])("is inconclusive when %s", (_, over) => {
    expect(judge(over).verdict).toBe("inconclusive");
  });

  it("permits as much loss as the objective does", () => {
    expect(judge({ rpoObjectiveMs: 10_000, lostWrites: 300, rpoMs: 9_000 }).verdict).toBe("met");
  });

  it("says of a rehearsal that it is one", () => {
    expect(judge({ isRehearsal: true, lostWrites: null, rpoObjectiveMs: 9_000, rpoMs: 8_000 }).message).toBe(
      "Built again after 2.4 s ± 600 ms; up to 8 s would be lost. It is a rehearsal: the real time may differ.",
    );
    const rehearsed = { isRehearsal: true, lostWrites: null, rpoObjectiveMs: 60_000, errorMs: 0 };
    expect(judge({ ...rehearsed, rpoMs: 60_000 }).verdict).toBe("met");
    expect(judge({ ...rehearsed, rpoMs: 60_001 })).toMatchObject({ verdict: "missed" });
  });
});
