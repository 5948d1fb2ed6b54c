import { describe, expect, test } from "vitest";
import { combinePanels } from "./definitions.ts";
import { toDashboard } from "./grafana.ts";
import { panelTemplates, templatesFor } from "./templates.ts";

const ref = { namespace: "fleet", name: "edge" };

describe.each(Object.keys(panelTemplates))("the dashboard of a %s", (kind) => {
  const { shown } = combinePanels(templatesFor(kind), []);
  const dashboard = toDashboard(ref, shown);

  test("has every chart, in a grid without overlaps", () => {
    expect(dashboard.panels.map(({ title }) => title)).toEqual(shown.map(({ title }) => title));
    const places = dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(places.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(places.length);
  });

  test("asks the data source that is chosen in Grafana, by no other variable than Grafana's own", () => {
    expect(dashboard.templating.list).toMatchObject([{ type: "datasource", name: "datasource", query: "prometheus" }]);
    for (const { targets, datasource } of dashboard.panels) {
      for (const target of targets) {
        expect([target.datasource, datasource]).toEqual([dashboard.panels[0]?.datasource, dashboard.panels[0]?.datasource]);
        expect(target.expr.replaceAll("$__rate_interval", "")).not.toContain("$");
      }
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });
});

test("a dashboard draws limits as thresholds, the first step without a value, and states as words", () => {
  const dashboard = toDashboard(ref, combinePanels(templatesFor("edge"), []).shown);
  const defaultsOf = (title: string) => dashboard.panels.find((panel) => panel.title === title)?.fieldConfig.defaults;
  expect(defaultsOf("Offline buffer depth")).toMatchObject({
    thresholds: { mode: "absolute", steps: [{ value: null }, { value: 10_000 }] },
    custom: { thresholdsStyle: { mode: "line" } },
  });
  expect(defaultsOf("Circuit breaker to the hub")?.mappings).toEqual([
    {
      type: "value",
      options: { 0: { text: "closed", index: 0 }, 1: { text: "half-open", index: 1 }, 2: { text: "open", index: 2 } },
    },
  ]);
  expect(defaultsOf("Memory")).toMatchObject({ unit: "bytes", thresholds: { steps: [{ value: null }] } });
});

test("a dashboard names the version of its model", () => {
  expect(toDashboard(ref, [])).toMatchObject({ schemaVersion: 39, id: null, uid: null, title: "fleet/edge" });
});
