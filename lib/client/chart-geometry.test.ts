import { describe, expect, it } from "vitest";
import { movedMoment, nearestIndex, plotOf, timeAt, xOf, yOf } from "./chart-geometry.ts";

const plot = plotOf(616, { from: 0, to: 1000 }, { low: 0, high: 10 });

describe("a plot", () => {
  it("puts its ends at its edges and leads back from a pixel to the time", () => {
    expect([xOf(plot, 0), xOf(plot, 1000)]).toEqual([56, 556]);
    expect([yOf(plot, 10), yOf(plot, 0)]).toEqual([18, 128]);
    for (const time of [0, 123, 999]) expect(timeAt(plot, xOf(plot, time))).toBeCloseTo(time, 6);
  });

  it("keeps what is beyond its edges inside", () => {
    expect(timeAt(plot, -50)).toBe(0);
    expect(timeAt(plot, 5000)).toBe(1000);
    expect(timeAt(plotOf(10, { from: 5, to: 6 }, { low: 0, high: 1 }), 3)).toBe(5);
  });
});

describe("the nearest moment", () => {
  it("is the same as by looking at all of them", () => {
    const times = [0, 10, 20, 50, 100];
    for (let time = -5; time <= 110; time += 1) {
      const distance = (index: number) => Math.abs((times[index] ?? Number.NaN) - time);
      const best = Math.min(...times.map((_, index) => distance(index)));
      expect(distance(nearestIndex(times, time)), String(time)).toBe(best);
    }
    expect(nearestIndex([], 5)).toBe(-1);
  });

  it("moves by keys, from the end at first, and not beyond the ends", () => {
    const times = [0, 10, 20];
    expect(movedMoment(times, null, "ArrowLeft")).toBe(20);
    expect(movedMoment(times, 20, "ArrowLeft")).toBe(10);
    expect(movedMoment(times, 20, "ArrowRight")).toBe(20);
    expect(movedMoment(times, 20, "PageDown")).toBe(0);
    expect(movedMoment(times, 20, "Home")).toBe(0);
    expect(movedMoment(times, 0, "End")).toBe(20);
    expect(movedMoment(times, 0, "x")).toBeNull();
    expect(movedMoment([], 0, "End")).toBeNull();
  });
});
