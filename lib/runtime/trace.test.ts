import { expect, test } from "vitest";
import { createTraceparent, traceFields } from "./trace.ts";

const id = "4bf92f3577b34da6a3ce929d0e0e4736";

test("the id of a trace is read from a traceparent, also from one of a later version", () => {
  expect(traceFields(`00-${id}-00f067aa0ba902b7-01`)).toEqual({ trace_id: id });
  expect(traceFields(`01-${id}-00f067aa0ba902b7-01-more`)).toEqual({ trace_id: id });
});

test.each([
  undefined,
  "",
  id,
  `ff-${id}-00f067aa0ba902b7-01`,
  `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
  `00-${id}-${"0".repeat(16)}-01`,
])("%s names no trace", (text) => expect(traceFields(text)).toEqual({}));

test("every new traceparent is valid and another one", () => {
  const made = [createTraceparent(), createTraceparent()].map((text) => traceFields(text).trace_id);
  expect(made[0]).toMatch(/^[\da-f]{32}$/);
  expect(made[0]).not.toBe(made[1]);
});
