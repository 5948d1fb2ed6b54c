import { describe, expect, it } from "vitest";
import { judgeExposure } from "./exposure.ts";

const now = new Date("2026-11-22T03:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const judge = (takenAt: Date | null, hasContents = true) => judgeExposure({ takenAt, rpoSeconds: 60, hasContents, now });

describe("the exposure of a service", () => {
  it("is the age of what its newest verified backup holds", () => {
    expect(judge(ago(59))).toEqual({ exposureSeconds: 59, state: "fresh" });
  });

  it("is too much once that is older than the objective allows, and not at the objective itself", () => {
    expect(judge(ago(60)).state).toBe("fresh");
    expect(judge(ago(60.001)).state).toBe("stale");
  });

  it("is everything without a verified backup, unless there is nothing to lose", () => {
    expect(judge(null)).toEqual({ exposureSeconds: null, state: "missing" });
    expect(judge(null, false)).toEqual({ exposureSeconds: null, state: "none" });
  });

  it("is never less than nothing, whatever a clock said", () => {
    expect(judge(ago(-5)).exposureSeconds).toBe(0);
  });
});
