import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PrometheusSeries } from "#lib/prometheus/client.ts";
import { joinTail, toGrid } from "./grid.ts";
import type { Window } from "./range.ts";
import { limitSeries, moveTo, type NamedSeries, nameSeries, pointsOf } from "./series.ts";

const windowOf = (from: number, to: number): Window => ({ from, to, stepSeconds: 5, rateSeconds: 8, settleSeconds: 2 });
const line = (name: string, ...values: number[]): NamedSeries => ({ name, values: Float64Array.from(values) });
const values = ({ values: all }: { values: Float64Array }) => [...all];
const gap = Number.NaN;

describe("a grid", () => {
  test("has a gap where a point is missing, and leaves out what lies beside it", () => {
    const series: PrometheusSeries = {
      labels: {},
      points: [
        [-5, 9],
        [5, 1],
        [10, null],
        [15, 2],
        [25, 9],
      ],
    };
    expect(values(toGrid(series, windowOf(0, 20)))).toEqual([gap, 1, gap, 2, gap]);
  });

  test("joined with its tail is what the whole window would have given, whatever moved and whichever series come and go", () => {
    const value = fc.option(fc.integer({ min: 0, max: 9 }), { nil: null });
    const truth = fc.array(fc.array(value, { minLength: 40, maxLength: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(truth, fc.nat(9), fc.nat(9), fc.nat(3), (rows, start, moved, overlap) => {
        const ask = (from: number, to: number): PrometheusSeries[] =>
          rows
            .map(
              (row, pod): PrometheusSeries => ({
                labels: { pod: `${pod}` },
                points: row.flatMap((each, index): [number, number][] =>
                  each !== null && index * 5 >= from && index * 5 <= to ? [[index * 5, each]] : [],
                ),
              }),
            )
            .filter(({ points }) => points.length > 0);
        const before = windowOf(start * 5, (start + 20) * 5);
        const after = windowOf((start + moved) * 5, (start + moved + 20) * 5);
        const tailFrom = before.to - overlap * 5;
        const known = ask(before.from, before.to).map((one) => toGrid(one, before));
        const joined = joinTail(known, before, ask(tailFrom, after.to), after, tailFrom);
        const whole = ask(after.from, after.to).map((one) => toGrid(one, after));
        const byPod = (all: typeof whole) => Object.fromEntries(all.map((one) => [one.labels.pod, values(one)]));
        expect(byPod(joined)).toEqual(byPod(whole));
      }),
    );
  });

  test("takes the new value of a point that was asked again", () => {
    const known = [
      toGrid(
        {
          labels: {},
          points: [
            [0, 1],
            [5, 1],
          ],
        },
        windowOf(0, 5),
      ),
    ];
    const [joined] = joinTail(
      known,
      windowOf(0, 5),
      [
        {
          labels: {},
          points: [
            [5, 2],
            [10, 3],
          ],
        },
      ],
      windowOf(5, 10),
      5,
    );
    expect(joined && values(joined)).toEqual([2, 3]);
  });
});

describe("the lines of a chart", () => {
  test("beyond eight become one: the sum of a stack, the largest of lines", () => {
    const many = Array.from({ length: 10 }, (_, index) => line(`pod-${index}`, index, gap));
    const stacked = limitSeries(many, "stacked");
    expect(stacked.series.map(({ name }) => name)).toEqual([...[3, 4, 5, 6, 7, 8, 9].map((pod) => `pod-${pod}`), "3 others"]);
    expect(stacked.series.at(-1)).toEqual(line("3 others", 0 + 1 + 2, gap));
    expect(stacked.others).toEqual(["pod-0", "pod-1", "pod-2"]);
    expect(limitSeries(many, "lines").series.at(-1)).toEqual(line("largest of 3 others", 2, gap));
  });

  test("are chosen by their peaks, so that the one that went wrong is shown", () => {
    const many = Array.from({ length: 9 }, (_, index) => line(`pod-${index}`, 5, 5));
    const { series } = limitSeries([...many, line("wrong", 0, 99)], "lines");
    expect(series.map(({ name }) => name)).toContain("wrong");
  });

  test("stand in the order of their names and numbers, percentiles in their own", () => {
    const names = (style: "lines" | "percentiles", ...all: string[]) =>
      limitSeries(
        all.map((name) => line(name, 1)),
        style,
      ).series.map(({ name }) => name);
    expect(names("lines", "pod-10", "pod-2", "a")).toEqual(["a", "pod-2", "pod-10"]);
    expect(names("percentiles", "p99", "p50")).toEqual(["p99", "p50"]);
  });

  test("are named by the query, the label, or what tells them apart", () => {
    const series = ["a", "b"].map((pod) => ({ labels: { pod, node: "n" }, values: new Float64Array() }));
    const name = (queryName: string, seriesLabel: string | null, all = series) =>
      nameSeries(all, { queryName, seriesLabel, fallback: "title" }).map((one) => one.name);
    expect(name("", "pod")).toEqual(["a", "b"]);
    expect(name("in", "pod")).toEqual(["in a", "in b"]);
    expect(name("in", "zone")).toEqual(["in", "in"]);
    expect(name("", null)).toEqual(["a, n", "b, n"]);
    expect(name("", null, series.slice(0, 1))).toEqual(["title"]);
    expect(limitSeries([line("in", 1), line("in", 2)], "lines").series.map((one) => one.name)).toEqual(["in", "in (2)"]);
  });

  test("on another window keep their times", () => {
    const lines = [line("a", 1, 2, 3)];
    expect(moveTo(lines, windowOf(0, 10), windowOf(5, 20)).map(values)).toEqual([[2, 3, gap, gap]]);
    expect(moveTo(lines, windowOf(10, 20), windowOf(0, 15)).map(values)).toEqual([[gap, gap, 1, 2]]);
    expect(moveTo(lines, windowOf(0, 10), windowOf(50, 60)).map(values)).toEqual([[gap, gap, gap]]);
    expect(moveTo(lines, windowOf(50, 60), windowOf(0, 10)).map(values)).toEqual([[gap, gap, gap]]);
  });

  test("are told as points from a time on, moved for a comparison", () => {
    const lines = [line("a", 1, gap, 3)];
    expect(pointsOf(lines, windowOf(0, 10), 0)).toEqual([
      {
        name: "a",
        points: [
          [0, 1],
          [5, null],
          [10, 3],
        ],
      },
    ]);
    expect(pointsOf(lines, windowOf(0, 10), 5)).toEqual([
      {
        name: "a",
        points: [
          [5, null],
          [10, 3],
        ],
      },
    ]);
    expect(pointsOf(lines, windowOf(0, 10), 110, 100)).toEqual([{ name: "a", points: [[110, 3]] }]);
  });
});
