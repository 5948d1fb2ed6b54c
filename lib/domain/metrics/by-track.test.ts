import { describe, expect, test } from "vitest";
import { splitByTrack } from "./by-track.ts";
import { combinePanels, type PanelDefinition } from "./definitions.ts";
import { isVector, parseExpression } from "./promql.ts";
import { panelTemplates, templatesFor } from "./templates.ts";

const ref = { namespace: "fleet", name: "relay" };
const split = (kind: string) => splitByTrack(combinePanels(templatesFor(kind), []));

function panelOf(id: string, kind = "relay"): PanelDefinition {
  const found = split(kind).shown.find((panel) => panel.id === id);
  if (!found) throw new Error(`no chart ${id}`);
  return found;
}

const own = (fields: Partial<PanelDefinition>): PanelDefinition => ({
  ...panelOf("rate"),
  origin: "added",
  id: "own",
  ...fields,
});
const splitOwn = (fields: Partial<PanelDefinition>) =>
  splitByTrack({ shown: [own(fields)], hidden: [], notice: null, key: "k" }).shown[0];

describe("the charts with both sides of a rollout", () => {
  test("are those worth comparing, the ones that analyses judge by first", () => {
    expect(split("relay").shown.map(({ id }) => id)).toEqual(["latency", "error-ratio", "rate", "cpu", "memory"]);
    expect(split("connector").shown.map(({ id }) => id)).toEqual(["latency", "error-ratio", "rate", "errors", "cpu", "memory"]);
    expect(split("unheard-of").shown.map(({ id }) => id)).toEqual(["cpu", "memory"]);
  });

  test("read the series without a track for stable, and the candidate's beside them", () => {
    const { queries } = panelOf("error-ratio");
    expect(queries.map(({ name }) => name)).toEqual(["stable", "candidate"]);
    const [stable, candidate] = queries.map(({ expr }) => parseExpression(expr, ref, 20).filled.text);
    expect(stable).toContain('{namespace="fleet",service="relay",track="",status="error"}');
    expect(candidate).toBe(stable?.replaceAll('track=""', 'track="candidate"'));
    expect(candidate?.match(/track="candidate"/g)).toHaveLength(3);
  });

  test("show of percentiles the 95th, with its limit", () => {
    expect(panelOf("latency")).toMatchObject({
      title: "Operation latency, p95",
      style: "lines",
      limit: { value: 0.05 },
      queries: [{ expr: expect.stringContaining("0.95") }, { expr: expect.stringContaining("0.95") }],
    });
  });

  test("add up what is stacked, and average what is told by instance", () => {
    const rate = panelOf("rate");
    expect(rate).toMatchObject({ title: "Operations by type", style: "lines", seriesLabel: null });
    expect(rate.queries.every(({ expr }) => expr.startsWith("sum("))).toBe(true);
    const memory = panelOf("memory");
    expect(memory).toMatchObject({ title: "Memory, of one instance", seriesLabel: null });
    expect(memory.queries.every(({ expr }) => expr.startsWith("avg("))).toBe(true);
  });

  test("tell several lines of a side apart", () => {
    expect(panelOf("rate", "hub").queries.map(({ name }) => name)).toEqual([
      "stable, received",
      "stable, sent",
      "candidate, received",
      "candidate, sent",
    ]);
  });

  test("hold a service's own charts too, but no line that has no sides", () => {
    const both = [
      { name: "mine", expr: "sum(things{$in}) # by hand" },
      { name: "theirs", expr: 'sum(things{$namespace,text="$in"})' },
    ];
    expect(splitOwn({ queries: both, style: "lines", seriesLabel: null })?.queries.map(({ name }) => name)).toEqual([
      "stable",
      "candidate",
    ]);
    expect(splitOwn({ queries: both.slice(1) })).toBeUndefined();
  });

  test("are expressions that Prometheus can read, whatever the kind, also those that end with a comment", () => {
    const all = [...Object.keys(panelTemplates), "unheard-of"].flatMap((kind) => split(kind).shown);
    const commented = splitOwn({ queries: [{ name: "", expr: "sum(things{$in}) # by hand" }], style: "stacked" });
    for (const { queries } of [...all, ...(commented ? [commented] : [])]) {
      for (const { expr } of queries) {
        const { errors, filled } = parseExpression(expr, ref, 20);
        expect([expr, errors]).toEqual([expr, []]);
        expect(isVector(filled.text)).toBe(true);
      }
    }
  });

  test("have a key of their own, so that they are never taken for the usual ones", () => {
    const set = combinePanels(templatesFor("relay"), []);
    expect(splitByTrack(set).key).not.toBe(set.key);
  });
});
