import { readdirSync, readFileSync } from "node:fs";
import { collectDefaultMetrics, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { parseExpression } from "./promql.ts";
import { explainEmpty } from "./queries.ts";
import { alarmLimits, isAlarm, panelTemplates, templatesFor } from "./templates.ts";

const ref = { namespace: "fleet", name: "relay" };
const kinds = Object.entries(panelTemplates);

describe("a kind's charts", () => {
  test.each(kinds)("of a %s are read by the official grammar and limited to the service or its namespace", (_, templates) => {
    for (const { id, queries } of templates) {
      for (const { expr } of queries) {
        const { errors, unlimited, filled } = parseExpression(expr, ref, 8);
        expect({ id, expr, errors, unlimited }).toEqual({ id, expr, errors: [], unlimited: [] });
        expect(filled.text).toContain('namespace="fleet"');
        expect(filled.text).not.toContain("$");
      }
    }
  });

  test.each(kinds)("of a %s have an id and name each of their lines apart", (_, templates) => {
    expect(new Set(templates.map(({ id }) => id)).size).toBe(templates.length);
    for (const { queries, style } of templates) {
      expect(new Set(queries.map(({ name }) => name)).size).toBe(queries.length);
      if (style === "percentiles") expect(queries.map(({ name }) => name)).toEqual(["p50", "p95", "p99"]);
    }
  });

  test.each(kinds)("of a %s draw only metrics that its daemon exports", (kind, templates) => {
    const exported = exportedBy(kind);
    const probed = exportedBy("prober");
    for (const metric of templates.flatMap(({ queries, metrics }) => [
      ...metrics,
      ...queries.flatMap(({ expr }) => metricsIn(expr)),
    ])) {
      const isKnown = metric === "up" || exported.has(metric) || (metric.startsWith("switchyard_probe_") && probed.has(metric));
      expect({ kind, metric, isKnown }).toEqual({ kind, metric, isKnown: true });
    }
  });

  test("begin with traffic, errors and latency where the kind has them", () => {
    expect(
      templatesFor("relay")
        .slice(0, 4)
        .map(({ id }) => id),
    ).toEqual(["rate", "error-ratio", "latency", "connections"]);
  });

  test("of an unknown kind are those of any process, and how many of its instances answer", () => {
    expect(templatesFor("cache").map(({ id }) => id)).toEqual(["availability", "memory", "cpu", "restarts"]);
  });
});

function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/([a-z_]+)\{/g)].map(([, name = ""]) => name);
}

/** The names in the daemon's code, with those that a histogram adds and those of every process. */
function exportedBy(kind: string): Set<string> {
  const folder = new URL(`../../../services/${kind === "switchyard" ? "controller" : kind}/`, import.meta.url);
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => readFileSync(new URL(file, folder), "utf8"));
  sources.push(readFileSync(new URL("../../protocol/daemon-metrics.ts", import.meta.url), "utf8"));
  const names = sources.flatMap((source) => [...source.matchAll(/"([a-z_]+)"/g)].map(([, name = ""]) => name));
  const ledger = ["lost", "duplicated", "reordered"].map((what) => `switchyard_probe_${what}_total`);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofProcess = registry.getMetricsAsArray().map(({ name }) => name);
  const all = [...names, ...(kind === "prober" ? ledger : []), ...ofProcess];
  return new Set(all.flatMap((name) => [name, `${name}_bucket`]));
}

test("an empty chart says why", () => {
  expect(explainEmpty(["a"], [])).toContain("nothing of this service");
  expect(explainEmpty(["a"], ["up", "scrape_duration_seconds"])).toContain("does not answer");
  expect(explainEmpty(["a", "b"], ["up", "b"])).toBe(
    "Prometheus has no a of it: this version does not export it, or has counted nothing yet.",
  );
  expect(explainEmpty(["a"], ["up", "a"])).toContain("no traffic");
  expect(explainEmpty([], ["up"])).toBe("Prometheus has no data for this chart.");
  expect(explainEmpty(["a"], null)).toBe("Prometheus has no data for this chart.");
});

test("a kind of service is in alarm over the limits of its own charts", () => {
  expect(alarmLimits("relay")).toEqual({ errorRatio: 0.01, latencyP95Seconds: 0.05 });
  expect(alarmLimits("hub")).toEqual({ errorRatio: null, latencyP95Seconds: 1 });
  expect(alarmLimits("connector")).toEqual({ errorRatio: null, latencyP95Seconds: null });
  expect([isAlarm(0.06, 0.05), isAlarm(0.05, 0.05), isAlarm(null, 0.05), isAlarm(9, null)]).toEqual([true, false, false, false]);
});
