import { describe, expect, it } from "vitest";
import type { Panel, PanelsAnswer, Series } from "#lib/domain/metrics/schemas.ts";
import { aPanel } from "./fixtures.ts";
import { mergeTail } from "./metrics-tail.ts";

const points = (...from: [number, number | null][]): Series["points"] => from;
const answer = (over: Partial<PanelsAnswer>, ...panels: Panel[]): PanelsAnswer => ({
  range: "15m",
  from: 0,
  to: 20,
  stepSeconds: 10,
  compare: null,
  isTail: false,
  tailSince: 20,
  panels,
  notice: null,
  hidden: [],
  ...over,
});
const panel = (series: Series[], over: Partial<Panel> = {}) => aPanel({ series, stepSeconds: 10, shape: "s", ...over });
const held = answer({}, panel([{ name: "ok", points: points([0, 1], [10, 2], [20, 3]) }]));
const tail = (series: Series[], over: Partial<Panel> = {}) =>
  answer({ isTail: true, from: 10, to: 30, tailSince: 30 }, panel(series, over));

describe("a tail", () => {
  it("puts new points on, lets old ones fall off, and replaces the one that was asked again", () => {
    const merged = mergeTail(held, tail([{ name: "ok", points: points([20, 4], [30, 5]) }]));
    expect(merged).toMatchObject({ from: 10, to: 30, tailSince: 30, isTail: false });
    expect(merged?.panels[0]?.series).toEqual([{ name: "ok", points: points([10, 2], [20, 4], [30, 5]) }]);
  });

  it("leaves what is the same the same object", () => {
    const same = answer({ isTail: true }, panel([{ name: "ok", points: points([20, 3]) }], { at: "2026-11-20T10:00:05.000Z" }));
    const merged = mergeTail(held, same);
    expect(merged?.panels[0]?.series).toBe(held.panels[0]?.series);
    expect(merged?.panels[0]?.at).toBe("2026-11-20T10:00:05.000Z");
  });

  it("draws a gap where a gap came", () => {
    const merged = mergeTail(held, tail([{ name: "ok", points: points([20, 3], [30, null]) }]));
    expect(merged?.panels[0]?.series[0]?.points).toEqual(points([10, 2], [20, 3], [30, null]));
  });

  it("brings the compared line along", () => {
    const before = [{ name: "ok", points: points([0, 7], [10, 7], [20, 7]) }];
    const merged = mergeTail(
      answer({ compare: "day" }, panel([{ name: "ok", points: points([20, 3]) }], { compared: before })),
      answer(
        { isTail: true, from: 10, to: 30, compare: "day" },
        panel([{ name: "ok", points: points([30, 5]) }], { compared: [{ name: "ok", points: points([30, 8]) }] }),
      ),
    );
    expect(merged?.panels[0]?.compared?.[0]?.points).toEqual(points([10, 7], [20, 7], [30, 8]));
  });

  it("does not fit when a chart or its series are others, or the grid is", () => {
    const series = [{ name: "ok", points: points([20, 4]) }];
    expect(mergeTail(held, tail(series, { shape: "other" }))).toBeNull();
    expect(mergeTail(held, tail(series, { version: 2 }))).toBeNull();
    expect(mergeTail(held, tail(series, { id: "new" }))).toBeNull();
    expect(mergeTail(held, tail([{ name: "refused", points: points([20, 4]) }]))).toBeNull();
    expect(mergeTail(held, { ...tail(series), stepSeconds: 5 })).toBeNull();
    expect(mergeTail(held, { ...tail(series), compare: "day" })).toBeNull();
  });

  it("is the whole answer when it came too late to be one", () => {
    const whole = answer({ from: 500, to: 520 });
    expect(mergeTail(held, whole)).toBe(whole);
  });

  it("keeps nothing of what is wholly older than the new window", () => {
    const far = answer({ isTail: true, from: 100, to: 120 }, panel([{ name: "ok", points: points([100, 1], [110, 2]) }]));
    expect(mergeTail(held, far)?.panels[0]?.series[0]?.points).toEqual(points([100, 1], [110, 2]));
  });

  it("forgets a chart that is hidden by now", () => {
    expect(mergeTail(held, answer({ isTail: true }))?.panels).toEqual([]);
  });

  it("gives the same as asking for the whole, however the asking is cut", () => {
    const value = (time: number) => (time % 70 === 0 ? null : Math.sin(time));
    const whole = (from: number, to: number): Series["points"] =>
      Array.from({ length: (to - from) / 10 + 1 }, (_, index) => [from + index * 10, value(from + index * 10)]);
    for (const steps of [1, 2, 5, 9]) {
      let current = answer({ from: 0, to: 100, tailSince: 100 }, panel([{ name: "ok", points: whole(0, 100) }]));
      for (let to = 100 + steps * 10; to < 600; to += steps * 10) {
        const since = current.tailSince;
        const next = mergeTail(
          current,
          answer({ isTail: true, from: to - 100, to, tailSince: to }, panel([{ name: "ok", points: whole(since, to) }])),
        );
        if (!next) throw new Error("the tail fits");
        current = next;
        expect(current.panels[0]?.series[0]?.points).toEqual(whole(to - 100, to));
      }
    }
  });
});
