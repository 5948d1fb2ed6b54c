import { describe, expect, it } from "vitest";
import { compareEdges } from "./edges.ts";

const edge = (pod: string, dropped: number | null) => ({ pod, uid: `uid of ${pod}`, dropped });

describe("what edges dropped in a drill", () => {
  it("is nothing when every edge says so before and after", () => {
    const { checks, gaps } = compareEdges([edge("a", 4), edge("b", 0)], [edge("a", 4), edge("b", 0)]);
    expect(checks).toMatchObject([{ found: "none", passed: true }]);
    expect(gaps).toEqual([]);
  });

  it("is what came to it meanwhile", () => {
    const { checks } = compareEdges([edge("a", 4), edge("b", 0)], [edge("a", 11), edge("b", 0)]);
    expect(checks).toMatchObject([{ found: "7 by a", passed: false }]);
  });

  it.each([
    ["answered neither before nor after", [edge("a", null)], [edge("a", null)]],
    ["did not answer before", [edge("a", null)], [edge("a", 0)]],
    ["does not answer any more", [edge("a", 3)], [edge("a", null)]],
    ["was replaced", [edge("a", 3)], []],
    ["counts from 0 again", [edge("a", 3)], [edge("a", 0)]],
  ])("is not known of one that %s", (_, before, after) => {
    const { checks, gaps } = compareEdges(before, after);
    expect(checks).toEqual([]);
    expect(gaps).toEqual([expect.stringContaining("What a dropped is not known")]);
  });
});
