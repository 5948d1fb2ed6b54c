import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conflictsOf, mergeTexts, settleConflicts } from "./merge.ts";

/** The joined text; fails when somebody has to choose. */
function join(base: string, mine: string, theirs: string): string {
  const pieces = mergeTexts(base, mine, theirs);
  expect(conflictsOf(pieces)).toEqual([]);
  return settleConflicts(pieces, []);
}

const base = "# Summary\n\nTo be written.\n\n# Trigger\n\nA slow image was rolled out by olga.\n";

describe("two texts of one", () => {
  test("have both changes when these are of different lines", () => {
    const mine = base.replace("To be written.", "All was slow.");
    const theirs = base.replace("by olga", "by olga at noon");
    expect(join(base, mine, theirs)).toBe(base.replace("To be written.", "All was slow.").replace("by olga", "by olga at noon"));
  });

  test("have both changes of one line when these are of different words", () => {
    expect(join("A slow image came.", "A very slow image came.", "A slow image came at noon.")).toBe(
      "A very slow image came at noon.",
    );
  });

  test("keep the lines that both added at the end of one list", () => {
    expect(join("- a\n", "- a\n- mine\n", "- a\n- theirs\n")).toBe("- a\n- theirs\n- mine\n");
    expect(join("- a", "- a\n- mine", "- a\n- theirs")).toBe("- a\n- theirs\n- mine");
  });

  test("have once what both have written alike, and the longer of what one goes on to write", () => {
    expect(join("a\n", "a\nb\n", "a\nb\n")).toBe("a\nb\n");
    expect(join("a\n", "a\nb\nc\n", "a\nb\n")).toBe("a\nb\nc\n");
    expect(join("a\nb\n", "b\n", "b\n")).toBe("b\n");
  });

  test("end as one of them does", () => {
    expect(join("a\nb", "a\nb!", "A\nb")).toBe("A\nb!");
    expect(join("", "mine", "theirs")).toBe("theirs\nmine");
  });
});

describe("the same words changed in two ways", () => {
  const pieces = mergeTexts(
    "before\nIt was slow.\nafter\n",
    "before\nIt was very slow.\nafter\n",
    "before\nIt was quite slow.\nafter\n",
  );

  test("are a conflict of the lines that they stand in, between what is the same", () => {
    expect(pieces).toEqual([
      { kind: "joined", text: "before\n" },
      { kind: "conflict", base: "It was slow.\n", mine: "It was very slow.\n", theirs: "It was quite slow.\n" },
      { kind: "joined", text: "after\n" },
    ]);
  });

  test.each([
    ["mine", "before\nIt was very slow.\nafter\n"],
    ["theirs", "before\nIt was quite slow.\nafter\n"],
    ["both", "before\nIt was very slow.\nIt was quite slow.\nafter\n"],
  ] as const)("are settled by choosing %s", (choice, text) => {
    expect(settleConflicts(pieces, [choice])).toBe(text);
  });

  test("are a conflict too when one has taken the line away", () => {
    expect(conflictsOf(mergeTexts("a\nb\nc\n", "a\nc\n", "a\nb changed\nc\n"))).toEqual([
      { kind: "conflict", base: "b\n", mine: "", theirs: "b changed\n" },
    ]);
  });
});

const word = fc.constantFrom("a", "b", "slow", "the", "- x", "# H", "");
const text = fc
  .array(
    fc.array(word, { maxLength: 4 }).map((words) => words.join(" ")),
    { maxLength: 8 },
  )
  .map((lines) => lines.join("\n"));

describe("whatever the texts are", () => {
  test("a side that changed nothing takes the other's text, and two alike stay as they are", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(join(before, after, before)).toBe(after);
        expect(join(before, before, after)).toBe(after);
        expect(join(before, after, after)).toBe(after);
      }),
    );
  });

  test("a line that either of them added is in the text that keeps both", () => {
    fc.assert(
      fc.property(text, text, text, fc.nat(8), fc.nat(8), (before, mine, theirs, at, other) => {
        const put = (given: string, place: number, line: string) => given.split("\n").toSpliced(place, 0, line).join("\n");
        const merged = settleConflicts(mergeTexts(before, put(mine, at, "MINE one"), put(theirs, other, "THEIRS two")), []);
        for (const name of ["MINE", "THEIRS", "one", "two"]) expect(merged).toContain(name);
      }),
      { numRuns: 500 },
    );
  });
});

const long = Array.from({ length: 3_000 }, (_, index) => `Line ${index} of it.`).join("\n");
const again = (part: string) => part.repeat(1_450);

test.each([
  ["of many lines", long, long.replace("Line 10 ", "Line ten "), long.replace("Line 2900 ", "Line last ")],
  ["of which one is written anew", long, long.split("").toReversed().join(""), long.replaceAll("Line", "Row")],
  ["of equal lines", again("a\n\n"), `x\n${again("a\n\n")}y\n`, `z\n${again("a\n\n")}q\n`],
  ["of equal words", again("a "), `x ${again("a ")} y`, `z${again("a ")}q`],
])("joins long texts at once: %s", (_, base, mine, theirs) => {
  const started = performance.now();
  mergeTexts(base, mine, theirs);
  expect(performance.now() - started).toBeLessThan(4_000);
});
