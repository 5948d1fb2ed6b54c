import { describe, expect, it } from "vitest";
import { lanesOf } from "./alert-lanes.ts";

const span = (name: string, from: number, to: number) => ({ name, from, to });
const where = (placed: ReturnType<typeof lanesOf<ReturnType<typeof span>>>) =>
  Object.fromEntries(placed.map(({ span: { name }, lane }) => [name, lane]));

describe("lanes of spans", () => {
  it("share a lane where they do not overlap and take another where they do", () => {
    expect(where(lanesOf([span("a", 0, 10), span("b", 5, 15), span("c", 10, 20)], 4))).toEqual({ a: 0, b: 1, c: 0 });
  });

  it("keep a gap when asked to", () => {
    expect(where(lanesOf([span("a", 0, 10), span("b", 11, 20)], 4, 2))).toEqual({ a: 0, b: 1 });
  });

  it("leave out what fits into none of the lanes, and still place what comes after it", () => {
    expect(where(lanesOf([span("a", 0, 10), span("b", 1, 10), span("c", 2, 10), span("d", 10, 12)], 2))).toEqual({
      a: 0,
      b: 1,
      d: 0,
    });
  });

  it("do not depend on the order in which spans are given", () => {
    const spans = [span("a", 0, 10), span("b", 5, 15), span("c", 10, 20)];
    expect(where(lanesOf([...spans].reverse(), 4))).toEqual(where(lanesOf(spans, 4)));
  });
});
