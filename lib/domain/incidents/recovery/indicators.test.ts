import { describe, expect, test } from "vitest";
import { parseExpression } from "../../metrics/promql.ts";
import { indicatorBehind, indicatorsOf, isBad, isProbed } from "./indicators.ts";

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

test("what the service counts itself stands in for each of what the prober sees, where it is not probed it is all there is", () => {
  expect(indicatorsOf("relay", ref, 30).map(({ name, standsInFor }) => [name, standsInFor])).toEqual([
    ["error-ratio", null],
    ["latency-p95", null],
    ["data-loss", null],
    ["own-error-ratio", "error-ratio"],
    ["own-latency-p95", "latency-p95"],
  ]);
  const unprobed = indicatorsOf("relay", ref, 30, { isProbed: false });
  expect(unprobed.map(({ name, standsInFor }) => [name, standsInFor])).toEqual([
    ["error-ratio", null],
    ["latency-p95", null],
  ]);
  for (const { expr } of unprobed) expect(expr).toContain('namespace="fleet",service="relay"');
});

test("of several services of a kind in a namespace the prober's series are about the one that it names", () => {
  const of = (kind: string, name: string, count: number) => isProbed(kind, { namespace: "fleet", name }, count);
  expect([of("relay", "relay-eu", 1), of("relay", "relay-eu", 2), of("relay", "relay", 2)]).toEqual([true, false, true]);
  expect([of("connector", "connector", 1), of("connector", "hub", 2), of("edge", "edge", 1)]).toEqual([true, false, false]);
});

test("a service that nothing is known of is judged by whether its instances answer, another where an alert says they do not", () => {
  expect(indicatorsOf("issuer", ref, 30)).toMatchObject([{ name: "up", limit: 0.9, bad: "below" }]);
  expect(indicatorsOf("relay", ref, 30, { named: ["up"] }).at(-1)).toMatchObject({ name: "up" });
});

describe("the indicator behind an alert", () => {
  test.each([
    ["RelayHighLatency", "latency-p95"],
    ["RelayHighErrorRate", "error-ratio"],
    ["ProbeFailing", "error-ratio"],
    ["ProbeLost", "data-loss"],
    ["ProbeDiverged", "data-loss"],
    ["ServiceDown", "up"],
    ["ServiceGone", "up"],
    ["RelayConnectionDrop", "error-ratio"],
    ["ConnectorDisconnected", "error-ratio"],
    ["ErrorBudgetBurnFast", null],
    ["SomethingOfOurs", null],
  ])("%s is %s", (alert, name) => {
    expect(indicatorBehind(alert)).toBe(name);
  });
});

test("a value at the limit is good, and what is not known is neither", () => {
  const above = { bad: "above", limit: 0.05 } as const;
  const below = { bad: "below", limit: 1 } as const;
  expect([0.05, 0.051, null].map((value) => isBad(above, value))).toEqual([false, true, null]);
  expect([1, 0.9, null].map((value) => isBad(below, value))).toEqual([false, true, null]);
});
