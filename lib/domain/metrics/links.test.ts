import { expect, test } from "vitest";
import { prometheusDuration, prometheusLink } from "./links.ts";

const window = { from: 1_000_000, to: 1_003_600, stepSeconds: 15, rateSeconds: 8, settleSeconds: 2 };
const expr = 'sum(rate(a{b="c&d",e="+ü"}[8s])) / 2';

test("a link carries the expression whole, and the length of the window", () => {
  const link = new URL(prometheusLink("https://prometheus.example/sub/", expr, window, true) ?? "");
  expect(link.pathname).toBe("/sub/graph");
  expect(Object.fromEntries(link.searchParams)).toEqual({
    "g0.expr": expr,
    "g0.tab": "0",
    "g0.range_input": "1h",
    "g0.step_input": "15",
  });
});

test("a link to a fixed time says when it ends, in UTC", () => {
  const link = new URL(prometheusLink("http://prometheus:9090", expr, window, false) ?? "");
  expect(link.searchParams.get("g0.end_input")).toBe("1970-01-12 14:46:40");
});

test("there is no link without an address", () => {
  expect(prometheusLink(null, expr, window, true)).toBeNull();
});

test("durations are written in the largest unit that fits", () => {
  expect([45, 900, 3600, 5400, 86_400, 604_800].map(prometheusDuration)).toEqual(["45s", "15m", "1h", "90m", "1d", "7d"]);
});
