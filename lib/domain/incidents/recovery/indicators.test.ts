import { describe, expect, test } from "vitest";
import { parseExpression } from "../../metrics/promql.ts";
import { indicatorBehind, indicatorsOf, isBad } from "./indicators.ts";

const ref = { namespace: "fleet", name: "relay" };
const kinds = ["relay", "hub", "connector", "edge", "prober", "issuer", ""];

test.each(kinds)("the indicators of the kind %j are PromQL about this service or its namespace only", (kind) => {
  for (const { expr } of indicatorsOf(kind, ref, 30)) {
    expect(parseExpression(expr, ref, 30).errors, expr).toEqual([]);
    expect(expr).not.toContain("$");
    const selectors = expr.match(/\{[^}]*\}/g) ?? [];
    expect(selectors.length).toBeGreaterThan(0);
    for (const selector of selectors) expect(selector).toContain('namespace="fleet"');
  }
});

test("what the prober uses is judged by what its clients see, over the window that is asked for", () => {
  const [errors, latency] = indicatorsOf("relay", ref, 30);
  expect(errors).toMatchObject({ name: "error-ratio", limit: 0.01, bad: "above", unit: "ratio" });
  expect(errors?.expr).toContain('switchyard_probe_requests_total{namespace="fleet",target="relay"');
  expect(latency).toMatchObject({ name: "latency-p95", limit: 0.05, bad: "above", unit: "seconds" });
  expect(latency?.expr).toContain("[30s]");
});

test("a service that nothing is known of is judged by whether its instances answer", () => {
  expect(indicatorsOf("issuer", ref, 30)).toMatchObject([{ name: "up", limit: 1, bad: "below" }]);
});

describe("the indicator behind alerts", () => {
  test.each([
    [["RelayHighLatency"], "latency-p95"],
    [["RelayHighErrorRate"], "error-ratio"],
    [["ProbeFailing"], "error-ratio"],
    [["RelayHighLatency", "ServiceDown"], "error-ratio"],
    [["ErrorBudgetBurnFast", "RelayHighLatency"], "latency-p95"],
    [["ErrorBudgetBurnFast"], null],
    [["SomethingOfOurs"], null],
    [[], null],
  ])("%j is %j", (names, name) => {
    expect(indicatorBehind(names)).toBe(name);
  });
});

test("a value at the limit is good, and what is not known is neither", () => {
  const above = { bad: "above", limit: 0.05 } as const;
  const below = { bad: "below", limit: 1 } as const;
  expect([0.05, 0.051, null].map((value) => isBad(above, value))).toEqual([false, true, null]);
  expect([1, 0.9, null].map((value) => isBad(below, value))).toEqual([false, true, null]);
});
