import { expect, test } from "vitest";
import { parseExpression } from "../../metrics/promql.ts";
import { defaultAnalysis } from "../strategy.ts";
import { fillTemplate } from "./measure.ts";
import { findMetric, fitAnalysis, metricInfos, metricNames, metricsOf, unknownMetrics } from "./templates.ts";

const ref = { namespace: "fleet", name: "relay" };
const kinds = ["relay", "hub", "edge", "connector", "prober", "issuer"];

test.each(kinds)("the metrics of a %s are read by the official grammar, and nothing in them is left open", (kind) => {
  for (const template of metricsOf(kind)) {
    const filled = fillTemplate(template, ref, { label: "track", windowSeconds: 120, sinceSeconds: 300 });
    for (const expr of Object.values(filled)) {
      expect({ expr, errors: parseExpression(expr, ref, 60).errors }).toEqual({ expr, errors: [] });
      expect(expr).toContain('namespace="fleet"');
      expect(expr).not.toContain("$");
    }
  }
});

test("the limits are those of the guides", () => {
  expect(findMetric("relay", "error-ratio")?.limit).toBe(0.01);
  expect(findMetric("relay", "latency-p95")?.limit).toBe(0.05);
  expect(findMetric("hub", "latency-p95")?.limit).toBe(1);
  expect(findMetric("connector", "latency-p95")?.limit).toBeNull();
  expect(findMetric("hub", "probe-success")?.limit).toBe(0.99);
});

test("a default analysis fits every kind, by the metrics that it has", () => {
  expect(fitAnalysis(defaultAnalysis, "relay").metrics).toEqual([...metricNames]);
  expect(fitAnalysis(defaultAnalysis, "edge").metrics).toEqual(["error-ratio", "latency-p95", "restarts"]);
  expect(fitAnalysis(defaultAnalysis, "cache").metrics).toEqual(["restarts"]);
  expect(unknownMetrics({ metrics: ["error-ratio", "latencyy"] }, "relay")).toEqual(["latencyy"]);
});

test("every metric is told in words", () => {
  expect(Object.keys(metricInfos)).toEqual([...metricNames]);
});
