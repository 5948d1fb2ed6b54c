import { describe, expect, it } from "vitest";
import { describeForeign, planRestore } from "./restore-plan.ts";
import type { Limits } from "./schemas.ts";

const limits = (min: number, max: number): Limits => ({ min, max });
const raised = { before: limits(3, 20), to: limits(10, 40) };
const raisedMin = { before: limits(3, 20), to: limits(10, 20) };

describe("the end of a timed change of limits", () => {
  it.each<[string, typeof raised, Limits, Limits, string]>([
    ["puts both back", raised, limits(10, 40), limits(3, 20), "The limits are 3 to 20 again."],
    ["finds them back already", raised, limits(3, 20), limits(3, 20), "The limits are 3 to 20 again."],
    ["finds one of them back already", raised, limits(3, 40), limits(3, 20), "The limits are 3 to 20 again."],
    [
      "leaves what somebody else has set, and puts the other one back",
      raised,
      limits(10, 30),
      limits(3, 30),
      "Somebody else has set maxReplicas to 30 meanwhile, which stays: the limits are 3 to 30 now.",
    ],
    [
      "leaves a limit that the change had not touched",
      raisedMin,
      limits(10, 25),
      limits(3, 25),
      "Somebody else has set maxReplicas to 25 meanwhile, which stays: the limits are 3 to 25 now.",
    ],
    [
      "leaves both when somebody else has set both",
      raised,
      limits(5, 6),
      limits(5, 6),
      "Somebody else has set minReplicas to 5 and maxReplicas to 6 meanwhile: both stay.",
    ],
    [
      "leaves both when the least would be more than the most",
      raised,
      limits(25, 40),
      limits(25, 40),
      "Somebody else has set minReplicas to 25 meanwhile: 3 to 20 does not go with that, so the limits stay.",
    ],
  ])("%s", (_, change, now, expected, outcome) => {
    expect(planRestore(change, now)).toEqual({ limits: expected, outcome });
  });

  it("does nothing more when it is planned again on its own result", () => {
    for (const now of [limits(10, 40), limits(10, 30), limits(5, 6), limits(25, 40)]) {
      const once = planRestore(raised, now).limits;
      expect(planRestore(raised, once).limits).toEqual(once);
    }
  });
});

describe("a foreign change while a timed change holds", () => {
  it("is said with both ranges", () => {
    expect(describeForeign(raised, limits(3, 20))).toBe(
      "Somebody else has set the limits to 3 to 20 since; this change had set 10 to 40.",
    );
  });

  it("is none while the limits are those of the change", () => {
    expect(describeForeign(raised, limits(10, 40))).toBeNull();
  });
});
