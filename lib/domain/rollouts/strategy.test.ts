import { expect, test } from "vitest";
import { analysisSchema, defaultAnalysis } from "./strategy.ts";

const told = (metrics: string[]) =>
  analysisSchema.safeParse({ ...defaultAnalysis, metrics }).error?.issues.map(({ message }) => message) ?? [];

test("an analysis measures one to ten metrics, each once", () => {
  const names = Array.from({ length: 11 }, (_, index) => `metric-${index}`);
  expect(told(names.slice(0, 10))).toEqual([]);
  expect(told([])).toEqual(["Choose at least one metric."]);
  expect(told(names)).toEqual(["Choose at most 10 metrics."]);
  expect(told(["restarts", "error-ratio", "restarts"])).toEqual(["Choose each metric once."]);
});
