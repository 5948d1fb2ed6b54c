import { expect, test } from "vitest";
import { byProfile, type Goal, isReached, report } from "./report.ts";

const goal: Goal = { name: "messages", unit: "1/s", ours: 900, peer: 1000, ratio: 0.9, wanted: { atLeast: 1 } };

test("a goal is reached at the wanted ratio or on its good side, and open when nothing was measured", () => {
  expect(isReached(goal)).toBe(false);
  expect(isReached({ ...goal, ratio: 1 })).toBe(true);
  expect(isReached({ ...goal, wanted: { atMost: 0.9 } })).toBe(true);
  expect(isReached({ ...goal, ratio: 1.01, wanted: { atMost: 1 } })).toBe(false);
  expect(isReached({ ...goal, ratio: undefined })).toBeUndefined();
  expect(isReached({ ...goal, ratio: Number.NaN })).toBeUndefined();
});

test("the report tells every goal with its ratio, what was wanted and its note, and how figures grow", () => {
  const rows = [{ name: "memory", unit: "MiB", values: [50, 100] }];
  const goals = [
    { ...goal, note: "of three rounds", whenMissed: byProfile("abc1234", "parsing") },
    { ...goal, name: "unknown" },
    { ...goal, name: "reached", ratio: 1, whenMissed: "never told" },
    { ...goal, name: "scan", ours: undefined, peer: undefined, ratio: undefined, note: "nmap is not on this machine" },
  ];
  const curves = [{ title: "By connections", heads: ["1", "10"], rows }];
  const lines = report([["Node", "v24"]], [{ title: "Hub", goals, curves }]).split("\n");
  expect(lines.find((line) => line.startsWith("| Node"))).toMatch(/v24 \|$/);
  expect(lines.find((line) => line.startsWith("| messages"))).toMatch(/900 \|\s+1,000 \|\s+0.90 \|\s+>= 1 \|\s+NOT REACHED \|$/);
  expect(lines.find((line) => line.startsWith("| scan"))).toMatch(/not measured \|$/);
  expect(lines).toContain("* messages: of three rounds; where the time goes: by a profile of commit abc1234: parsing");
  expect(lines).toContain("* unknown: where the time goes: not profiled; --profile DIR leaves a profile of each daemon");
  expect(lines.join("\n")).not.toContain("never told");
  expect(lines).toContain("### By connections");
  expect(lines.find((line) => line.startsWith("| memory"))).toMatch(/^\| memory \(MiB\) \|\s+50.0 \|\s+100 \|\s+x 2.00 \|$/);
});
