import { describe, expect, it } from "vitest";
import { compareEdges } from "./edges.ts";

const edge = (pod: string, dropped: number, uid = pod) => ({ pod, uid, dropped });
const before = [edge("edge-a", 3), edge("edge-b", 0)];
const found = (after: Parameters<typeof compareEdges>[1]) => compareEdges(before, after);

describe("what edges dropped in a drill", () => {
  it("is nothing when they stand where they stood before, however much they had dropped by then", () => {
    expect(found(before)).toEqual({
      checks: [{ name: "Readings that edges dropped", wanted: "none", found: "none", passed: true }],
      gaps: [],
    });
  });

  it("is told by edge", () => {
    const { checks, gaps } = found([edge("edge-a", 10), edge("edge-b", 1)]);
    expect(checks).toMatchObject([{ found: "7 by edge-a, 1 by edge-b", passed: false }]);
    expect(gaps).toEqual([]);
  });

  it.each([
    ["was replaced", [edge("edge-a", 3, "another"), edge("edge-b", 0)], "edge-a"],
    ["does not answer", [edge("edge-b", 0)], "edge-a"],
    ["began anew", [edge("edge-a", 1), edge("edge-b", 0)], "edge-a"],
    ["did not answer before, and has dropped", [...before, edge("edge-c", 2)], "edge-c"],
  ])("is not known of one that %s", (_, after, names) => {
    expect(found(after).gaps).toEqual([`What ${names} dropped is not known: it did not answer, or was replaced.`]);
  });

  it("counts one that came since and has dropped nothing as none", () => {
    expect(found([...before, edge("edge-c", 0)])).toMatchObject({ checks: [{ passed: true }], gaps: [] });
  });

  it("is not asked where there are no edges, and not known where nobody asked before", () => {
    expect(compareEdges([], [])).toEqual({ checks: [], gaps: [] });
    expect(compareEdges(null, before)).toMatchObject({ checks: [], gaps: [expect.stringContaining("before the fault")] });
  });
});
