import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countChanges, type DiffSide, foldUnchanged, sideBySide } from "./side-by-side.ts";

const text = (side: DiffSide | null) => side?.segments.map((segment) => segment.text).join("") ?? null;

describe("two templates beside each other", () => {
  it("mark the words that differ inside a changed line", () => {
    const [row] = sideBySide("image: relay:2.0.0", "image: relay:2.0.1");
    expect(row?.kind).toBe("changed");
    expect(row?.left?.segments.filter((segment) => segment.changed).map((segment) => segment.text)).toEqual(["0"]);
    expect(row?.right?.segments.filter((segment) => segment.changed).map((segment) => segment.text)).toEqual(["1"]);
  });

  it("leave the other side empty for added and removed lines", () => {
    expect(sideBySide("a\nb\n", "a\n").map((row) => [row.kind, text(row.right)])).toEqual([
      ["same", "a"],
      ["removed", null],
    ]);
    expect(sideBySide("a\n", "a\nb\n").map((row) => [row.kind, text(row.left)])).toEqual([
      ["same", "a"],
      ["added", null],
    ]);
  });

  it("give back both texts and number their lines, whatever they are", () => {
    const lines = fc.array(fc.constantFrom("a: 1", "b: 2", "c: 3", "  d: x y", ""), { maxLength: 12 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const rows = sideBySide(before.map((line) => `${line}\n`).join(""), after.map((line) => `${line}\n`).join(""));
        const left = rows.flatMap((row) => (row.left ? [row.left] : []));
        const right = rows.flatMap((row) => (row.right ? [row.right] : []));
        expect(left.map(text)).toEqual(before);
        expect(right.map(text)).toEqual(after);
        expect(left.map((side) => side.number)).toEqual(before.map((_, index) => index + 1));
        expect(right.map((side) => side.number)).toEqual(after.map((_, index) => index + 1));
      }),
    );
  });

  it("put a changed line beside the one it came from, not beside a new one", () => {
    const rows = sideBySide("image: relay:2.0.0", "- name: FAN_OUT\n  value: coalesced\nimage: relay:2.0.1");
    expect(rows.map((row) => [row.kind, text(row.left), text(row.right)])).toEqual([
      ["added", null, "- name: FAN_OUT"],
      ["added", null, "  value: coalesced"],
      ["changed", "image: relay:2.0.0", "image: relay:2.0.1"],
    ]);
  });

  it("fold long equal runs and keep three lines around a change", () => {
    const before = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    const after = before.with(15, "line changed");
    const blocks = foldUnchanged(sideBySide(before.join("\n"), after.join("\n")));
    expect(blocks.map((block) => [block.kind, block.rows.length])).toEqual([
      ["folded", 12],
      ["rows", 7],
      ["folded", 11],
    ]);
    expect(countChanges(blocks.flatMap((block) => block.rows))).toEqual({ added: 1, removed: 1 });
  });

  it("have nothing to show beyond folded lines when they are equal", () => {
    const same = "a\nb\nc\nd";
    expect(foldUnchanged(sideBySide(same, same)).map((block) => block.kind)).toEqual(["folded"]);
  });
});
