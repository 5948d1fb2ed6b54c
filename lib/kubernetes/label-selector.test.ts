import { expect, test } from "vitest";
import { matchesSelector } from "./label-selector.ts";

test("selectors find labels as the API has it", () => {
  const labels = { app: "relay", tier: "front" };
  expect(matchesSelector(undefined, labels)).toBe(false);
  expect(matchesSelector({}, labels)).toBe(true);
  expect(matchesSelector({ matchExpressions: [{ key: "app", operator: "In", values: ["relay"] }] }, labels)).toBe(true);
  expect(matchesSelector({ matchExpressions: [{ key: "app", operator: "NotIn", values: ["relay"] }] }, labels)).toBe(false);
  expect(matchesSelector({ matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }, labels)).toBe(true);
  expect(matchesSelector({ matchExpressions: [{ key: "tier", operator: "Exists" }] }, labels)).toBe(true);
  expect(matchesSelector({ matchExpressions: [{ key: "zone", operator: "Exists" }] }, labels)).toBe(false);
  expect(matchesSelector({ matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }, labels)).toBe(true);
});
