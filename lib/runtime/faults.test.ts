import { expect, it } from "vitest";
import { z } from "zod";
import { parseEnv } from "./env.ts";
import { createFaults, faultSettings } from "./faults.ts";

const rolls = () => {
  let roll = 0;
  return () => (roll++ % 100) / 100;
};

it("no fault is injected unless it is asked for", async () => {
  const env = parseEnv(z.object(faultSettings), {});
  expect(env).toEqual({ FAULT_LATENCY_MS: 0, FAULT_ERROR_RATIO: 0 });
  const off = createFaults({ latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO, random: () => 0 });
  expect(await off.inject()).toBe(false);
});

it("exactly the share asked for is refused", async () => {
  const some = createFaults({ latencyMs: 0, errorRatio: 0.25, random: rolls() });
  let refused = 0;
  for (let index = 0; index < 100; index += 1) if (await some.inject()) refused += 1;
  expect(refused).toBe(25);
});

it("a bad ratio or latency is named", () => {
  const given = { FAULT_LATENCY_MS: "-1", FAULT_ERROR_RATIO: "1.1" };
  expect(() => parseEnv(z.object(faultSettings), given)).toThrow(/FAULT_LATENCY_MS: .*\nFAULT_ERROR_RATIO: /);
});
