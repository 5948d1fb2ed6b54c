import { describe, expect, test } from "vitest";
import { readDuration, writeDuration } from "./duration-text.ts";

describe("a duration that is typed", () => {
  test.each([
    ["90", 90],
    ["90 s", 90],
    ["1h 30m", 5400],
    [" 2 D ", 172_800],
    ["1 h 5 s", 3605],
    ["0", 0],
  ])("reads %j as %i seconds", (text, seconds) => expect(readDuration(text)).toBe(seconds));

  test.each(["", "soon", "-5", "1.5 h", "5 x", "h"])("does not read %j", (text) => expect(readDuration(text)).toBeNaN());

  test("is written so that nothing of it is lost", () => {
    for (const seconds of [0, 1, 59, 60, 3605, 86_400, 604_799]) expect(readDuration(writeDuration(seconds))).toBe(seconds);
    expect(writeDuration(3605)).toBe("1 h 5 s");
  });
});
