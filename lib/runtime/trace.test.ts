import { describe, expect, it, test } from "vitest";
import { createTraceparent, traceFields, traceOf } from "./trace.ts";

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

describe("the ids of a request", () => {
  it("are those that it brings, also with a later version of traceparent", () => {
    const headers = { traceparent: `00-${id}-00f067aa0ba902b7-01`, "x-request-id": "deploy/17:retry=2" };
    expect(traceOf(headers)).toEqual({ trace_id: id, request_id: "deploy/17:retry=2" });
    expect(traceOf({ traceparent: `01-${id}-00f067aa0ba902b7-01-more` }).trace_id).toBe(id);
  });

  it.each([
    ["missing", {}],
    ["of another form", { traceparent: id, "x-request-id": "" }],
    ["of zeros", { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }],
    ["of the version that is none", { traceparent: `ff-${id}-00f067aa0ba902b7-01` }],
    ["too long, or would break a line of the log", { "x-request-id": `${"x".repeat(129)}` }],
    ["given with quotes", { "x-request-id": '","level":"fatal' }],
  ])("are made when they are %s", (_, headers) => {
    const trace = traceOf(headers);
    expect(trace.trace_id).toMatch(/^[\da-f]{32}$/);
    expect(trace.trace_id).not.toBe(id);
    expect(trace.request_id).toMatch(/^[\da-f-]{36}$/);
    expect(traceOf(headers)).not.toEqual(trace);
  });
});
