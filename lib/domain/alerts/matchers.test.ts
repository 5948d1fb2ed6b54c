import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMatchers, parseMatchers } from "./matchers.ts";

describe("label matchers", () => {
  test("are read with and without braces and quotes", () => {
    const expected = [
      { name: "pod", value: "relay-.*", isRegex: true, isEqual: true },
      { name: "team", value: "core", isRegex: false, isEqual: false },
    ];
    expect(parseMatchers('{pod=~"relay-.*", team!="core"}')).toEqual(expected);
    expect(parseMatchers(" pod =~ relay-.* ,team!=core ")).toEqual(expected);
    expect(parseMatchers("")).toEqual([]);
    expect(parseMatchers('a=""')).toEqual([{ name: "a", value: "", isRegex: false, isEqual: true }]);
  });

  test("that are none are refused with what is wrong", () => {
    for (const text of ["pod", "pod==x", "1x=y", 'pod="x" team="y"', 'pod="x', "=x"]) {
      expect(() => parseMatchers(text), text).toThrow(/no label matcher/);
    }
  });

  test("come back the same whatever their values hold", () => {
    const matcher = fc.record({
      name: fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/),
      value: fc.string({ unit: "binary" }),
      isRegex: fc.boolean(),
      isEqual: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(matcher, { maxLength: 5 }), (matchers) => {
        expect(parseMatchers(formatMatchers(matchers))).toEqual(matchers);
      }),
    );
  });
});
