import { expect, test } from "vitest";
import { formatDuration } from "./duration.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test.each([
  [0, "0 s"],
  [0.4, "0 s"],
  [340, "340 ms"],
  [999.6, "999 ms"],
  [42 * second, "42 s"],
  [3 * minute + 12 * second, "3 m 12 s"],
  [3 * minute, "3 m"],
  [2 * hour + 5 * minute + 59 * second, "2 h 5 m"],
  [3 * day + 4 * hour, "3 d 4 h"],
  [-5, "0 s"],
])("%d ms reads %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});
