import { expect, test } from "vitest";
import { ToldLately } from "./told-lately.ts";

test("what was told last is known for a while, and nothing else is", () => {
  const told = new ToldLately({ forMs: 60, maxKeys: 10 });
  told.keep("a", "fires", 100);
  expect(told.has("a", "fires", 159)).toBe(true);
  expect(told.has("a", "fires", 160)).toBe(false);
  expect(told.has("a", "ended", 101)).toBe(false);
  expect(told.has("b", "fires", 101)).toBe(false);
});

test("what was told before the last counts as new", () => {
  const told = new ToldLately({ forMs: 60, maxKeys: 10 });
  told.keep("a", "one", 100);
  told.keep("a", "two", 101);
  expect(told.has("a", "one", 102)).toBe(false);
  expect(told.has("a", "two", 102)).toBe(true);
});

test("the key that was told longest ago gives way when there are too many", () => {
  const told = new ToldLately({ forMs: 60, maxKeys: 2 });
  told.keep("a", "x", 1);
  told.keep("b", "x", 2);
  told.keep("a", "x", 3);
  told.keep("c", "x", 4);
  expect(["a", "b", "c"].filter((key) => told.has(key, "x", 5))).toEqual(["a", "c"]);
});
