import { describe, expect, it } from "vitest";
import type { Series } from "#lib/domain/metrics/schemas.ts";
import { chartModel } from "./chart-model.ts";
import { aPanel } from "./fixtures.ts";

const line = (name: string, ...values: (number | null)[]): Series => ({
  name,
  points: values.map((value, index) => [index * 60, value]),
});

describe("a chart's model", () => {
  it("puts what is compared beside its line by name, whatever the order, and nothing beside what was not there", () => {
    const model = chartModel(
      aPanel({ series: [line("a", 1, 2), line("b", 3, 4)], compared: [line("c", 9, 9), line("b", 30, 40)] }),
      60,
    );
    expect(model.before.map((each) => each?.name ?? null)).toEqual([null, "b"]);
    const [, before] = model.before;
    expect(model.rows.map(({ values }) => values[before?.index ?? -1])).toEqual([30, 40]);
    expect(model.ticks.at(-1)).toBeGreaterThanOrEqual(40);
  });

  it("compares a stack as a whole, and leaves room for both", () => {
    const model = chartModel(
      aPanel({ style: "stacked", series: [line("a", 1, 2), line("b", 3, 4)], compared: [line("a", 10, 20), line("b", 5, 5)] }),
      60,
    );
    expect(model.before).toMatchObject([{ name: "all", last: 25 }]);
    expect(model.ticks.at(-1)).toBeGreaterThanOrEqual(25);
  });

  it("finds the points that no line runs through", () => {
    const model = chartModel(aPanel({ series: [line("a", 1, null, 2, null, 3, 4)] }), 300);
    expect(model.lines[0]?.lone).toEqual([
      [0, 1],
      [120, 2],
    ]);
  });

  it("finds them in a stack at the height where they are drawn", () => {
    const model = chartModel(aPanel({ style: "stacked", series: [line("a", 5, 5, 5), line("b", null, 2, null)] }), 120);
    expect(model.lines[1]?.lone).toEqual([[60, 7]]);
  });

  it("takes the words of states for its axis", () => {
    const states = [
      { value: 0, label: "closed" },
      { value: 1, label: "half-open" },
      { value: 2, label: "open" },
    ];
    expect(chartModel(aPanel({ states, series: [line("breaker", 0, 0)] }), 60).ticks).toEqual([0, 1, 2]);
  });
});
