import { expect, test } from "vitest";
import { Pace } from "./pace.ts";

/** How many pass when it is asked at every one of these times. */
function passesAt(pace: Pace, times: number[]): number[] {
  return times.map((now) => {
    let passed = 0;
    for (; pace.waitMs(now) === 0; passed++) pace.pass(now);
    return passed;
  });
}

test("a pace lets pass evenly, and says how long to wait", () => {
  const pace = new Pace(10);
  expect(passesAt(pace, [0, 50, 100, 150, 200])).toEqual([1, 0, 1, 0, 1]);
  expect(pace.waitMs(220)).toBe(80);
});

test("after a pause of the process it catches up for a tenth of a second, no more", () => {
  const pace = new Pace(1_000);
  expect(passesAt(pace, [0, 10, 60, 10_000])).toEqual([1, 10, 50, 101]);
});

test("after a rest it starts anew, without catching up", () => {
  const pace = new Pace(1_000);
  passesAt(pace, [0, 10]);
  pace.rest();
  pace.pass(5_000);
  expect(pace.waitMs(5_000)).toBe(1);
});
