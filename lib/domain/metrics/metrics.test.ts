import { describe, expect, test } from "vitest";
import type { PrometheusClient, PrometheusSeries } from "#lib/prometheus/client.ts";
import { DomainError } from "../errors.ts";
import { fillExpression, type Window, windowOf } from "./expression.ts";
import { PanelStore } from "./panel-store.ts";
import { explainEmpty } from "./queries.ts";
import { ranges, type Series } from "./schemas.ts";
import { limitSeries, toGrid } from "./series.ts";
import { alarmLimits, isAlarm, panelTemplates } from "./templates.ts";

const ref = { namespace: "fleet", name: "relay" };

describe("a window", () => {
  test("falls on multiples of its step at both ends, whatever the time", () => {
    for (const range of Object.keys(ranges) as (keyof typeof ranges)[]) {
      const window = windowOf(range, new Date("2026-11-01T10:03:17.456Z"), 2);
      expect(window.to % window.stepSeconds).toBe(0);
      expect(window.from % window.stepSeconds).toBe(0);
      expect((window.to - window.from) / window.stepSeconds).toBeLessThanOrEqual(400);
    }
  });

  test("gives a rate at least four scrapes, and no less than a step", () => {
    expect(windowOf("15m", new Date(), 2).rateSeconds).toBe(8);
    expect(windowOf("15m", new Date(), 15).rateSeconds).toBe(60);
    expect(windowOf("7d", new Date(), 2).rateSeconds).toBe(1800);
  });
});

describe("a template", () => {
  test("of every kind is filled in completely", () => {
    for (const { queries } of Object.values(panelTemplates).flat()) {
      for (const { expr } of queries) {
        const filled = fillExpression(expr, ref, 8);
        expect(filled).toContain('namespace="fleet",service="relay"');
        expect(filled).not.toContain("$");
      }
    }
  });

  test("keeps a name that looks like PromQL inside its quotes", () => {
    const filled = fillExpression("up{$in}", { namespace: 'a"} or up{x="', name: "b\\" }, 8);
    expect(filled).toBe('up{namespace="a\\"} or up{x=\\"",service="b\\\\"}');
  });
});

describe("the shared panels", () => {
  const window: Window = { from: 0, to: 900, stepSeconds: 5, rateSeconds: 8 };
  const series: PrometheusSeries[] = [{ labels: {}, points: [[0, 1]] }];

  function store(answer: () => Promise<PrometheusSeries[]>) {
    let asked = 0;
    let now = 1_000_000;
    const prometheus = {
      queryRange: () => {
        asked += 1;
        return answer();
      },
    } as unknown as PrometheusClient;
    const panels = new PanelStore(prometheus, () => new Date(now));
    return { panels, asked: () => asked, advance: (ms: number) => (now += ms) };
  }

  test("ask once for a hundred viewers, and again only when a step has passed", async () => {
    const { panels, asked } = store(async () => series);
    await Promise.all(Array.from({ length: 100 }, () => panels.query("up", window)));
    await panels.query("up", window);
    expect(asked()).toBe(1);
    await panels.query("up", { ...window, from: 5, to: 905 });
    expect(asked()).toBe(2);
    await panels.query("down", window);
    expect(asked()).toBe(3);
  });

  test("keep the last data while Prometheus is away, say so, and do not ask again at once", async () => {
    let isAway = false;
    const { panels, asked, advance } = store(async () => {
      if (isAway) throw new DomainError("prometheus-unavailable", "Prometheus cannot be asked: nothing listens at its address.");
      return series;
    });
    await panels.query("up", window);
    isAway = true;
    const later = { ...window, from: 5, to: 905 };
    const answer = await panels.query("up", later);
    expect(answer).toMatchObject({
      series,
      window,
      problem: expect.stringContaining("nothing listens"),
      at: new Date(1_000_000),
    });
    await panels.query("up", later);
    expect(asked()).toBe(2);
    isAway = false;
    advance(5_000);
    expect(await panels.query("up", later)).toMatchObject({ problem: null, window: later });
  });

  test("answer with what they have while a query hangs, and keep to the one in flight", async () => {
    let release = (_: PrometheusSeries[]) => {};
    let hangs = false;
    const { panels, asked } = store(() => (hangs ? new Promise((resolve) => (release = resolve)) : Promise.resolve(series)));
    await panels.query("up", window);
    hangs = true;
    const later = { ...window, from: 5, to: 905 };
    const answers = await Promise.all([panels.query("up", later), panels.query("up", later)]);
    for (const answer of answers) expect(answer).toMatchObject({ series, problem: "Prometheus is slow to answer." });
    expect(asked()).toBe(2);
    release([]);
  });
});

describe("series", () => {
  const line = (name: string, ...values: (number | null)[]): Series => ({ name, points: values.map((value, at) => [at, value]) });

  test("have a null where a point is missing", () => {
    const window = { from: 0, to: 20, stepSeconds: 5, rateSeconds: 8 };
    expect(
      toGrid(
        {
          labels: {},
          points: [
            [5, 1],
            [15, 2],
          ],
        },
        window,
      ),
    ).toEqual([
      [0, null],
      [5, 1],
      [10, null],
      [15, 2],
      [20, null],
    ]);
  });

  test("beyond eight become one: the sum of a stack, the largest of lines", () => {
    const many = Array.from({ length: 10 }, (_, index) => line(`pod-${index}`, index));
    const stacked = limitSeries(many, "stacked");
    expect(stacked).toHaveLength(8);
    expect(stacked.at(-1)).toEqual(line("3 others", 0 + 1 + 2));
    expect(limitSeries(many, "lines").at(-1)).toEqual(line("largest of 3 others", 2));
    expect(stacked.flatMap(({ points }) => points).reduce((sum, [, value]) => sum + (value ?? 0), 0)).toBe(45);
  });
});

test("an empty chart says why", () => {
  expect(explainEmpty(["a"], [])).toContain("never scraped");
  expect(explainEmpty(["a"], ["up", "scrape_duration_seconds"])).toContain("does not answer");
  expect(explainEmpty(["a", "b"], ["up", "b"])).toBe("This version does not export a.");
  expect(explainEmpty(["a"], ["up", "a"])).toContain("no traffic");
});

test("a kind of service is in alarm over the limits of its own charts", () => {
  expect(alarmLimits("relay")).toEqual({ errorRatio: 0.01, latencyP95Seconds: 0.05 });
  expect(alarmLimits("hub")).toEqual({ errorRatio: null, latencyP95Seconds: 1 });
  expect(alarmLimits("connector")).toEqual({ errorRatio: null, latencyP95Seconds: null });
  expect([isAlarm(0.06, 0.05), isAlarm(0.05, 0.05), isAlarm(null, 0.05), isAlarm(9, null)]).toEqual([true, false, false, false]);
});
