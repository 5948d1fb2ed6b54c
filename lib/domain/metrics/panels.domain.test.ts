import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { samplesOf, startTestPrometheus, type TestPrometheus } from "../../../e2e/prometheus.ts";
import type { ConsoleContext } from "../context.ts";
import type { Role } from "../users/schemas.ts";
import { exportDashboard } from "./grafana.ts";
import { checkExpression } from "./panel-check.ts";
import { changePanel, removePanel, savePanel } from "./panel-commands.ts";
import { PanelStore } from "./panel-store.ts";
import { getPanels, getPanelsJson, listMetrics, previewPanel } from "./queries.ts";
import type { CreatePanelInput, Panel, PanelsAnswer } from "./schemas.ts";

// Five minutes ago on the grid of the longest step that is used: what was scraped does not depend on the time of the test.
const end = Math.floor(Date.now() / 60_000) * 60 - 300;
const start = end - 2 * 3600;
const ref = { namespace: "fleet", name: "relay" };
const settings = { scrapeSeconds: 5, prometheusUrl: "https://prometheus.example/" };

let db: Database;
let drop: () => Promise<void>;
let prometheus: TestPrometheus;
let context: ConsoleContext;
let now: number;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
  prometheus = await startTestPrometheus(scraped());
});
afterAll(async () => {
  await prometheus?.stop();
  await drop?.();
});
beforeEach(async () => {
  await db.servicePanel.deleteMany();
  await db.auditEntry.deleteMany();
  now = end * 1000;
  context = contextOf("operator");
});

/** Two relays with 10 and 20 operations a second, one hundredth of them errors; a thousand series of another service. */
function scraped(): string {
  const range = { from: start, to: end + 120, stepSeconds: 5 };
  const yesterday = { from: start - 86_400 + 3600, to: end - 86_400, stepSeconds: 5 };
  const pods = ["relay-1", "relay-2"];
  const own = (pod: string) => ({ namespace: "fleet", service: "relay", kind: "relay", pod });
  const operations = pods.flatMap((pod, index) =>
    ["ok", "error"].flatMap((status) => {
      const rate = (index + 1) * (status === "ok" ? 9.9 : 0.1);
      const labels = { ...own(pod), operation_type: "insert", status };
      const past = samplesOf("materi_operations_processed_total", labels, yesterday, (at) => (at - start + 86_400) * rate * 2);
      return [...past, ...samplesOf("materi_operations_processed_total", labels, range, (at) => (at - start) * rate)];
    }),
  );
  const memory = pods.flatMap((pod, index) =>
    samplesOf("process_resident_memory_bytes", own(pod), range, (at) =>
      pod === "relay-2" && at > end ? null : (index + 1) * 1e6,
    ),
  );
  const up = pods.flatMap((pod) => samplesOf("up", own(pod), range, () => 1));
  const sides: { side: Record<string, string>; rates: Record<string, number> }[] = [
    { side: { pod: "canaried-1" }, rates: { ok: 9.9, error: 0.1 } },
    { side: { pod: "canaried-candidate-1", track: "candidate" }, rates: { ok: 0.9, error: 0.1 } },
  ];
  const canaried = sides.flatMap(({ rates, side }) =>
    Object.entries(rates).flatMap(([status, rate]) => {
      const labels = { namespace: "fleet", service: "canaried", kind: "relay", operation_type: "insert", status, ...side };
      return samplesOf("materi_operations_processed_total", labels, range, (at) => (at - start) * rate);
    }),
  );
  const many = Array.from({ length: 1000 }, (_, index) => `many{namespace="fleet",service="other",index="${index}"} 1 ${end}`);
  const typed = (name: string, kind: string, lines: string[]) => [`# TYPE ${name} ${kind}`, ...lines];
  return [
    ...typed("materi_operations_processed", "counter", [...operations, ...canaried]),
    ...typed("process_resident_memory_bytes", "gauge", memory),
    ...typed("up", "gauge", up),
    ...typed("many", "gauge", many),
    "# EOF\n",
  ].join("\n");
}

function contextOf(role: Role, url = prometheus.url): ConsoleContext {
  const client = new PrometheusClient({ url });
  const clock = () => new Date(now);
  const parts = {
    actor: { kind: "user", id: null, name: "olga", role },
    db,
    prometheus: client,
    clock,
    logger: createLogger("test", "silent"),
    requestId: "test-request",
    panels: new PanelStore(client, clock),
    fleet: { findKind: (id: string) => (["fleet/relay", "fleet/canaried"].includes(id) ? "relay" : null) },
    surroundings: { outside: { get: async () => ({ value: [], at: null, problem: null }) } },
  };
  return parts as unknown as ConsoleContext;
}

const panelOf = ({ panels }: PanelsAnswer, id: string): Panel => {
  const panel = panels.find((one) => one.id === id);
  if (!panel) throw new Error(`no panel ${id}`);
  return panel;
};
const lastOf = ({ series }: Panel, index = 0) => series[index]?.points.at(-1);
const latency: CreatePanelInput = {
  title: "Operations by pod",
  unit: "per-second",
  style: "stacked",
  queries: [{ name: "", expr: "sum by (pod) (rate(materi_operations_processed_total{$in}[$window]))" }],
  seriesLabel: "pod",
};

describe("the charts of a service", () => {
  test("hold what Prometheus measured, with their expressions and a link to them", async () => {
    const answer = await getPanels(context, settings, ref, { range: "15m" });
    expect(answer).toMatchObject({
      range: "15m",
      to: end,
      from: end - 900,
      stepSeconds: 5,
      isTail: false,
      hidden: [],
      notice: null,
    });
    const rate = panelOf(answer, "rate");
    expect(rate).toMatchObject({ origin: "kind", version: 0, problem: null, dataTo: end });
    expect(rate.series.map(({ name }) => name)).toEqual(["insert"]);
    expect(rate.series[0]?.points).toHaveLength(181);
    expect(lastOf(rate)?.[1]).toBeCloseTo(30, 5);
    expect(lastOf(panelOf(answer, "error-ratio"))?.[1]).toBeCloseTo(0.01, 5);
    expect(panelOf(answer, "memory").series.map(({ name }) => name)).toEqual(["relay-1", "relay-2"]);
    expect(panelOf(answer, "availability").series.map(({ name }) => name)).toEqual(["instances that answer"]);
    expect(lastOf(panelOf(answer, "availability"))?.[1]).toBe(1);
    const [expression] = rate.expressions;
    expect(expression?.expr).toContain('{namespace="fleet",service="relay"}[20s]');
    const link = new URL(expression?.prometheusUrl ?? "");
    expect([link.origin, link.pathname, link.searchParams.get("g0.expr"), link.searchParams.get("g0.range_input")]).toEqual([
      "https://prometheus.example",
      "/graph",
      expression?.expr,
      "15m",
    ]);
  });

  test("show a rollout's candidate beside stable where that is asked for, and both together where it is not", async () => {
    const canaried = { namespace: "fleet", name: "canaried" };
    const answer = await getPanels(context, settings, canaried, { range: "15m", by: "track" });
    const lines = (id: string) => panelOf(answer, id).series.map(({ name, points }) => [name, points.at(-1)?.[1]]);
    expect(lines("rate")).toEqual([
      ["candidate", expect.closeTo(1, 5)],
      ["stable", expect.closeTo(10, 5)],
    ]);
    expect(lines("error-ratio")).toEqual([
      ["candidate", expect.closeTo(0.1, 5)],
      ["stable", expect.closeTo(0.01, 5)],
    ]);
    expect(panelOf(answer, "error-ratio").limit).toMatchObject({ value: 0.01 });
    const [both, together] = await Promise.all(
      [{ by: "track" }, {}].map(async (by) => {
        const json = await getPanelsJson(context, settings, canaried, { range: "15m", ...by });
        return JSON.parse(Buffer.from(json).toString()) as PanelsAnswer;
      }),
    );
    expect(both?.panels).toEqual(answer.panels);
    expect(together && lastOf(panelOf(together, "rate"))?.[1]).toBeCloseTo(11, 5);
  });

  test("say why they are empty", async () => {
    const answer = await getPanels(context, settings, ref, { range: "15m" });
    expect(panelOf(answer, "latency").problem).toMatch(/^Prometheus has no materi_operation_latency_seconds_bucket of it: /);
  });

  test("give the tail from where the last answer says, which put on that answer is the whole", async () => {
    const first = await getPanels(context, settings, ref, { range: "15m" });
    expect(first.tailSince).toBe(end);
    now += 20_000;
    const tail = await getPanels(context, settings, ref, { range: "15m", since: first.tailSince });
    expect(tail).toMatchObject({ isTail: true, to: end + 20 });
    const whole = await getPanels(contextOf("viewer"), settings, ref, { range: "15m" });
    for (const { id, shape, series } of tail.panels) {
      const before = panelOf(first, id);
      expect(shape).toBe(before.shape);
      const merged = series.map(({ name, points }, index) => ({
        name,
        points: [...(before.series[index]?.points ?? []).filter(([at]) => at >= tail.from && at < first.tailSince), ...points],
      }));
      expect({ id, series: merged }).toEqual({ id, series: panelOf(whole, id).series });
    }
  });

  test("have another shape when a series has come or gone, and are answered in full when the tail is asked too late", async () => {
    const first = await getPanels(context, settings, ref, { range: "15m" });
    now += 3600_000;
    const late = await getPanels(context, settings, ref, { range: "15m", since: first.tailSince });
    expect(late.isTail).toBe(false);
    expect(panelOf(late, "memory").shape).not.toBe(panelOf(first, "memory").shape);
  });

  test("stand beside the same span of yesterday, on the same times", async () => {
    const answer = await getPanels(context, settings, ref, { range: "15m", compare: "day" });
    expect(answer.compare).toBe("day");
    const rate = panelOf(answer, "rate");
    expect(rate.compared?.[0]?.points.map(([at]) => at)).toEqual(rate.series[0]?.points.map(([at]) => at));
    expect(rate.compared?.[0]?.points.at(-1)?.[1]).toBeCloseTo(60, 5);
    expect(panelOf(await getPanels(context, settings, ref, { range: "15m" }), "rate").compared).toBeNull();
  });

  test("answers one chart alone when only it is wanted", async () => {
    const answer = await getPanels(context, settings, ref, { range: "15m", panel: "rate" });
    expect(answer.panels.map(({ id }) => id)).toEqual(["rate"]);
  });

  test("over a fixed time do not depend on now", async () => {
    const fixed = { from: end - 1800, to: end - 900 };
    const first = await getPanels(context, settings, ref, fixed);
    now += 600_000;
    const again = await getPanels(context, settings, ref, fixed);
    expect(first).toMatchObject({ range: null, isTail: false });
    expect(again.panels).toEqual(first.panels);
  });

  test("keep the last good data, with its age, when Prometheus is gone", async () => {
    const gone = await startTestPrometheus(scraped());
    const own = contextOf("viewer", gone.url);
    const first = await getPanels(own, settings, ref, { range: "15m" });
    await gone.stop();
    now += 60_000;
    const stale = await getPanels(own, settings, ref, { range: "15m", since: first.tailSince });
    const memory = panelOf(stale, "memory");
    expect(memory).toMatchObject({ dataTo: end, at: new Date(end * 1000).toISOString() });
    expect(memory.problem).toContain("nothing listens at its address");
    expect(stale).toMatchObject({ to: end + 60, tailSince: end });
  });

  test("are one JSON text for all who ask the same", async () => {
    const texts = await Promise.all(Array.from({ length: 5 }, () => getPanelsJson(context, settings, ref, { range: "15m" })));
    expect(new Set(texts).size).toBe(1);
    expect(JSON.parse(Buffer.from(texts[0] ?? "").toString())).toEqual(await getPanels(context, settings, ref, { range: "15m" }));
  });

  test("of an unknown service are not found", async () => {
    await expect(getPanels(context, settings, { namespace: "fleet", name: "none" }, {})).rejects.toMatchObject({
      code: "not-found",
    });
  });

  test("name the metrics of the service for completion", async () => {
    const { names } = await listMetrics(context, ref);
    expect(names).toEqual(["materi_operations_processed_total", "process_resident_memory_bytes", "up"]);
  });
});

describe("a chart of a service's own", () => {
  test("stands in the place of the kind's, or after them, with its data", async () => {
    const replaced = await savePanel(context, settings, ref, { ...latency, replaces: "rate" });
    const added = await savePanel(context, settings, ref, {
      ...latency,
      title: "Once more",
      limit: { value: 25, label: "enough" },
    });
    const answer = await getPanels(context, settings, ref, { range: "15m" });
    expect(panelOf(answer, "rate")).toMatchObject({
      origin: "replaced",
      panelId: replaced.panelId,
      version: 1,
      title: latency.title,
    });
    expect(lastOf(panelOf(answer, "rate"), 1)?.[1]).toBeCloseTo(20, 5);
    expect(answer.panels[0]?.id).toBe("rate");
    expect(answer.panels.at(-1)).toMatchObject({ id: added.panelId, origin: "added", limit: { value: 25, label: "enough" } });
    const audit = await db.auditEntry.findMany({ orderBy: { at: "asc" } });
    expect(audit.map(({ verb, targetKind, actorName }) => [verb, targetKind, actorName])).toEqual([
      ["create", "chart", "olga"],
      ["create", "chart", "olga"],
    ]);
  });

  test("cannot be put twice in one place, nor changed by who saw an older version", async () => {
    const saved = await savePanel(context, settings, ref, { ...latency, replaces: "rate" });
    await expect(savePanel(context, settings, ref, { ...latency, replaces: "rate" })).rejects.toMatchObject({ code: "stale" });
    const change = { ...latency, title: "Renamed", version: saved.version };
    expect(await changePanel(context, settings, ref, saved.panelId, change)).toMatchObject({ version: 2 });
    await expect(changePanel(context, settings, ref, saved.panelId, change)).rejects.toMatchObject({
      code: "stale",
      details: { changed: [{ field: "version", seen: "1", now: "2" }] },
    });
    await expect(removePanel(context, ref, saved.panelId, { version: "1" })).rejects.toMatchObject({ code: "stale" });
  });

  test("is changed once when two save the same version at the same time", async () => {
    const { panelId } = await savePanel(context, settings, ref, latency);
    const saves = Array.from({ length: 5 }, (_, index) =>
      changePanel(context, settings, ref, panelId, { ...latency, title: `Title ${index}`, version: 1 }),
    );
    const outcomes = await Promise.allSettled(saves);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await db.servicePanel.findUniqueOrThrow({ where: { id: panelId } })).toMatchObject({ version: 2 });
  });

  test("gives way to the kind's when it is removed", async () => {
    const { panelId } = await savePanel(context, settings, ref, { ...latency, replaces: "rate" });
    await removePanel(context, ref, panelId, { version: "1" });
    expect(panelOf(await getPanels(context, settings, ref, {}), "rate")).toMatchObject({ origin: "kind", panelId: null });
    await expect(removePanel(context, ref, panelId, { version: "1" })).rejects.toMatchObject({ code: "not-found" });
  });

  test("can be hidden and shown again, the kind's as well as one's own", async () => {
    const hidden = await savePanel(context, settings, ref, { replaces: "cpu", hidden: true });
    const own = await savePanel(context, settings, ref, { ...latency, replaces: "rate" });
    await changePanel(context, settings, ref, own.panelId, { version: 1, hidden: true });
    const without = await getPanels(context, settings, ref, {});
    expect(without.panels.map(({ id }) => id)).not.toContain("cpu");
    expect(without.hidden.map(({ id, title, version }) => [id, title, version])).toEqual([
      ["rate", latency.title, 2],
      ["cpu", "CPU", 1],
    ]);
    await changePanel(context, settings, ref, hidden.panelId, { version: 1, hidden: false });
    await changePanel(context, settings, ref, own.panelId, { version: 2, hidden: false });
    const shown = await getPanels(context, settings, ref, {});
    expect(panelOf(shown, "cpu")).toMatchObject({ origin: "kind" });
    expect(panelOf(shown, "rate")).toMatchObject({ origin: "replaced", title: latency.title });
    expect(shown.hidden).toEqual([]);
  });

  test.each([
    ["a syntax error", "sum(rate(", "ends too early"],
    ["a placeholder in the wrong place", "sum($in)", "inside braces"],
    ["what Prometheus refuses", "rate(up{$in})", "expected type range vector"],
    ["too many series", "many", "This gives 1,000 series"],
  ])("is refused with %s", async (_, expr, message) => {
    const bad = savePanel(context, settings, ref, { ...latency, queries: [...latency.queries, { expr }] });
    await expect(bad).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { "queries.1.expr": [expect.stringContaining(message)] } },
    });
    expect(await db.servicePanel.count()).toBe(0);
  });

  test("needs an operator", async () => {
    await expect(savePanel(contextOf("viewer"), settings, ref, latency)).rejects.toMatchObject({ code: "not-permitted" });
    await expect(checkExpression(contextOf("viewer"), settings, ref, { expr: "up" })).rejects.toMatchObject({
      code: "not-permitted",
    });
  });

  test("of a kind's chart that does not exist is not found", async () => {
    await expect(savePanel(context, settings, ref, { ...latency, replaces: "none" })).rejects.toMatchObject({
      code: "not-found",
    });
  });

  test("can be seen before it is saved", async () => {
    const { panel } = await previewPanel(context, settings, ref, latency, { range: "15m" });
    expect(lastOf(panel, 1)?.[1]).toBeCloseTo(20, 5);
    expect(await db.servicePanel.count()).toBe(0);
    const bad = previewPanel(context, settings, ref, { ...latency, queries: [{ expr: "sum(" }] }, {});
    await expect(bad).rejects.toMatchObject({ code: "invalid-input" });
  });

  test("that gives too many series says so instead of drawing them", async () => {
    const { panel } = await previewPanel(
      context,
      settings,
      ref,
      { ...latency, queries: [{ expr: "many" }] },
      { from: end - 60, to: end },
    );
    expect(panel).toMatchObject({ series: [], at: null, dataTo: end - 60 });
    expect(panel.problem).toContain("1,000 series, and at most 500 are drawn");
  });
});

describe("an expression's check", () => {
  const check = (expr: string) => checkExpression(context, settings, ref, { expr });

  test("tells what it gives now", async () => {
    expect(await check("sum by (pod) (rate(materi_operations_processed_total{$in}[$window]))")).toMatchObject({
      isGood: true,
      errors: [],
      warnings: [],
      seriesCount: 2,
      labelNames: ["pod"],
      problem: null,
      sample: [{ labels: { pod: "relay-1" } }, { labels: { pod: "relay-2" } }],
      filled: expect.stringContaining("[20s]"),
    });
  });

  test("warns of what is probably not meant", async () => {
    expect(await check("up")).toMatchObject({
      isGood: true,
      warnings: [expect.stringContaining("up is not limited to this service")],
    });
    expect((await check("nothing{$in}")).warnings).toEqual([expect.stringContaining("no series now")]);
  });

  test("tells where Prometheus finds a mistake, in the text as written", async () => {
    const expr = "sum(up{$in}) + rate(process_resident_memory_bytes{$in})";
    const { isGood, errors, problem } = await check(expr);
    expect(isGood).toBe(false);
    expect(problem).toContain("expected type range vector");
    expect(errors[0]?.from).toBe(expr.indexOf("process_"));
  });

  test("does not ask Prometheus about a syntax error", async () => {
    expect(await check("sum(up{$in}")).toMatchObject({
      isGood: false,
      filled: null,
      errors: [{ from: 11, to: 11 }],
      problem: null,
    });
  });

  test("says that Prometheus does not answer", async () => {
    const own = contextOf("operator", "http://127.0.0.1:1");
    expect(await checkExpression(own, settings, ref, { expr: "up{$in}" })).toMatchObject({
      isGood: false,
      problem: expect.stringContaining("cannot be asked"),
    });
  });
});

test("the charts go to Grafana as a dashboard", async () => {
  await savePanel(context, settings, ref, { ...latency, limit: { value: 25, label: "enough" } });
  const { fileName, dashboard } = await exportDashboard(context, ref);
  expect(fileName).toBe("fleet-relay.json");
  expect(dashboard.panels.at(-1)).toMatchObject({
    title: latency.title,
    targets: [
      {
        expr: 'sum by (pod) (rate(materi_operations_processed_total{namespace="fleet",service="relay"}[$__rate_interval]))',
        legendFormat: "{{pod}}",
      },
    ],
    fieldConfig: { defaults: { unit: "cps", thresholds: { steps: [{ value: null }, { value: 25 }] } } },
  });
});
