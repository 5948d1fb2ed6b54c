import fc from "fast-check";
import { expect, test } from "vitest";
import { LineReader } from "./line-reader.ts";

test("lines come out whole, however the bytes arrive", () => {
  const lines = fc.array(fc.stringMatching(/^[a-zäöü✓]{0,20}$/), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(lines, fc.integer({ min: 1, max: 9 }), (wanted, size) => {
      const bytes = Buffer.from(`${wanted.join("\n")}\n`);
      const reader = new LineReader(1_000);
      const got: string[] = [];
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size), (line) => got.push(line));
      expect(got).toEqual(wanted);
    }),
  );
});

test("a line may be as long as the limit and not one byte longer", () => {
  const lines: string[] = [];
  new LineReader(5).push(Buffer.from("12345\n"), (line) => lines.push(line));
  expect(lines).toEqual(["12345"]);
  const reader = new LineReader(5);
  reader.push(Buffer.from("12345"), () => {});
  expect(() => reader.push(Buffer.from("6"), () => {})).toThrow(/longer than 5 bytes/);
});
