import { describe, expect, it } from "vitest";
import { plotOf } from "./chart-geometry.ts";
import { formatDelta, groupMarks, joinedShades, shadesOf, spansAt } from "./chart-marks.ts";

const plot = plotOf(616, { from: 1000, to: 2000 }, { low: 0, high: 1 });
const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const span = (from: number, to: number | null) => ({ startsAt: at(from), endsAt: to === null ? null : at(to) });

describe("marks", () => {
  it("stand at their time, those of other times nowhere", () => {
    const marks = [{ at: at(1500) }, { at: at(999) }, { at: at(2001) }, { at: at(1000) }];
    expect(groupMarks(plot, marks, 14).map(({ x }) => x)).toEqual([56, 306]);
  });

  it("that lie too close become one, at the newest, in the order of time", () => {
    const [first, second, third] = [{ at: at(1500) }, { at: at(1510) }, { at: at(1530) }];
    const groups = groupMarks(plot, [third, first, second], 14);
    expect(groups).toEqual([{ x: 321, marks: [first, second, third] }]);
    expect(groupMarks(plot, [first, { at: at(1540) }], 14)).toHaveLength(2);
  });
});

describe("an alert's shade", () => {
  it("covers its time on the plot, up to the edge while it fires", () => {
    expect(shadesOf(plot, [span(1200, 1400), span(500, 1100), span(1900, null)])).toMatchObject([
      { x: 56, width: 50, row: 0 },
      { x: 156, width: 100, row: 0 },
      { x: 506, width: 50, row: 0 },
    ]);
    expect(shadesOf(plot, [span(100, 900), span(2100, null)])).toEqual([]);
  });

  it("is wide enough to be seen, also at the right edge", () => {
    expect(shadesOf(plot, [span(1500, 1500)])).toMatchObject([{ x: 306, width: 3 }]);
    expect(shadesOf(plot, [span(1999.9, null)])).toMatchObject([{ x: 553, width: 3 }]);
  });

  it("has a row of its own beside one of the same time", () => {
    const rows = shadesOf(plot, [span(1200, 1600), span(1300, 1400), span(1500, 1700), span(1650, null)]).map(({ row }) => row);
    expect(rows).toEqual([0, 1, 1, 0]);
  });

  it("is one with those of its severity that overlap it, and stays apart from others", () => {
    const spans = [
      { ...span(1200, 1600), severity: "warning" },
      { ...span(1500, 1700), severity: "warning" },
      { ...span(1300, 1400), severity: "critical" },
      { ...span(1900, null), severity: "warning" },
    ];
    expect(joinedShades(plot, spans, ({ severity }) => severity)).toEqual([
      { span: spans[0], x: 156, width: 250 },
      { span: spans[2], x: 206, width: 50 },
      { span: spans[3], x: 506, width: 50 },
    ]);
  });

  it("is found by a moment in it", () => {
    const spans = [span(1200, 1400), span(1300, null)];
    expect([1100, 1200, 1350, 1500].map((time) => spansAt(spans, time).length)).toEqual([0, 1, 2, 1]);
  });
});

it("a change is told as what it means: percent, a factor beyond tenfold, nothing where it means nothing", () => {
  expect(formatDelta(10, 12)).toBe("+20 %");
  expect(formatDelta(10, 9.66)).toBe("−3.4 %");
  expect(formatDelta(1, 12.34)).toBe("×12.3");
  expect(formatDelta(1, 500)).toBe("×500");
  expect(formatDelta(5, 5)).toBe("no change");
  expect(formatDelta(0, 5)).toBeNull();
  expect(formatDelta(5, 0)).toBe("−100 %");
  expect(formatDelta(null, 5)).toBeNull();
  expect(formatDelta(Number.NaN, 5)).toBeNull();
});
