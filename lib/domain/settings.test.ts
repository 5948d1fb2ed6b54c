import { expect, test } from "vitest";
import { z } from "zod";
import { fitStored } from "./settings.ts";

const schema = z.object({
  rule: z.object({ isOn: z.boolean(), graceSeconds: z.int() }),
  names: z.array(z.string()),
  after: z.int().nullable(),
});
const initial: z.infer<typeof schema> = { rule: { isOn: true, graceSeconds: 60 }, names: ["a"], after: 5 };

test("what is stored holds, also where it is empty, false or null", () => {
  const stored = { rule: { isOn: false, graceSeconds: 0 }, names: [], after: 7 };
  expect(fitStored(schema, stored, initial)).toEqual(stored);
  expect(fitStored(schema, { ...stored, after: null }, initial)).toEqual({ ...stored, after: null });
});

test("what another version did not know of has its initial value, and what this one does not know of is left out", () => {
  expect(fitStored(schema, { rule: { isOn: false, gone: 1 }, after: null }, initial)).toEqual({
    rule: { isOn: false, graceSeconds: 60 },
    names: ["a"],
    after: null,
  });
});

test("what does not fit counts as not set", () => {
  for (const stored of [null, "off", { rule: "off" }, { ...initial, names: [1] }]) {
    expect(fitStored(schema, stored, initial)).toEqual(initial);
  }
});
