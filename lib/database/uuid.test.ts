import { expect, test } from "vitest";
import { z } from "zod";
import { makeUuid } from "./uuid.ts";

test("ids of one millisecond are different and in order, and those of the next come after them", () => {
  const ids = Array.from({ length: 20_000 }, () => makeUuid(1_800_000_000_000));
  ids.push(makeUuid(1_800_000_000_001));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(z.uuidv7().safeParse(ids[0]).success && z.uuidv7().safeParse(ids.at(-1)).success).toBe(true);
});
