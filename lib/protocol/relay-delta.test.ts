import fc from "fast-check";
import QuillDelta from "quill-delta";
import { describe, expect, it } from "vitest";
import {
  type Attributes,
  apply,
  type Delta,
  deleteAt,
  formatAt,
  insertAt,
  operationType,
  textOf,
  transform,
} from "./relay-delta.ts";

const compose = (a: Delta, b: Delta) => new QuillDelta(a).compose(new QuillDelta(b)).ops as Delta;

const attributes: fc.Arbitrary<Attributes> = fc.dictionary(
  fc.constantFrom("bold", "italic", "colour"),
  fc.constantFrom<(string | boolean | null)[]>(true, "red", null),
  { minKeys: 1 },
);

const edit = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(30), fc.string({ minLength: 1, maxLength: 5 })).map(([at, text]) => insertAt(at, text)),
  },
  fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 10 })).map(([at, length]) => deleteAt(at, length)),
  fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 10 }), attributes).map(([at, length, given]) => formatAt(at, length, given)),
);
const operation = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => edits.reduce<Delta>(compose, []));
const document = fc.string({ minLength: 0, maxLength: 40 }).map((text): Delta => insertAt(0, text));

describe("a delta", () => {
  it("inserts, deletes and formats at a position", () => {
    const document = insertAt(0, "hello world");
    expect(textOf(apply(document, insertAt(5, ",")))).toBe("hello, world");
    expect(textOf(apply(document, deleteAt(5, 6)))).toBe("hello");
    expect(apply(document, formatAt(0, 5, { bold: true }))).toEqual([
      { insert: "hello", attributes: { bold: true } },
      { insert: " world" },
    ]);
  });

  it("takes a format away with null", () => {
    const bold = apply(insertAt(0, "abc"), formatAt(0, 3, { bold: true }));
    expect(apply(bold, formatAt(0, 3, { bold: null }))).toEqual([{ insert: "abc" }]);
  });

  it("ignores what reaches past the end of the document and appends inserts there", () => {
    expect(textOf(apply(insertAt(0, "abc"), deleteAt(2, 10)))).toBe("ab");
    expect(textOf(apply(insertAt(0, "abc"), insertAt(10, "d")))).toBe("abcd");
  });

  it("is counted by the strongest thing that it does", () => {
    expect(operationType(compose(insertAt(0, "a"), deleteAt(3, 1)))).toBe("insert");
    expect(operationType(deleteAt(0, 1))).toBe("delete");
    expect(operationType(formatAt(0, 1, { bold: true }))).toBe("format");
  });

  it("composes associatively and as one application after the other", () => {
    fc.assert(
      fc.property(document, operation, operation, (start, a, b) => {
        expect(compose(compose(start, a), b)).toEqual(compose(start, compose(a, b)));
      }),
      { numRuns: 1000 },
    );
  });

  it("converges: two concurrent operations give the same document in either order", () => {
    fc.assert(
      fc.property(operation, operation, (a, b) => {
        expect(compose(a, transform(b, a, true))).toEqual(compose(b, transform(a, b, false)));
      }),
      { numRuns: 2000 },
    );
  });

  it("puts the text of the operation that came first before the other's at the same place", () => {
    const first = insertAt(1, "X");
    const second = insertAt(1, "Y");
    expect(textOf(compose(compose(insertAt(0, "ab"), first), transform(second, first, true)))).toBe("aXYb");
  });
});
