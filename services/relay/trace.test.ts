import { describe, expect, it } from "vitest";
import { traceOf } from "./trace.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("the ids of a request", () => {
  it("are those that it brings, also with a later version of traceparent", () => {
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, "x-request-id": "deploy/17:retry=2" };
    expect(traceOf(headers)).toEqual({ trace_id: traceId, request_id: "deploy/17:retry=2" });
    expect(traceOf({ traceparent: `01-${traceId}-00f067aa0ba902b7-01-more` }).trace_id).toBe(traceId);
  });

  it.each([
    ["missing", {}],
    ["of another form", { traceparent: traceId, "x-request-id": "" }],
    ["of zeros", { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }],
    ["of the version that is none", { traceparent: `ff-${traceId}-00f067aa0ba902b7-01` }],
    ["too long, or would break a line of the log", { "x-request-id": `${"x".repeat(129)}` }],
    ["given with quotes", { "x-request-id": '","level":"fatal' }],
  ])("are made when they are %s", (_, headers) => {
    const trace = traceOf(headers);
    expect(trace.trace_id).toMatch(/^[\da-f]{32}$/);
    expect(trace.trace_id).not.toBe(traceId);
    expect(trace.request_id).toMatch(/^[\da-f-]{36}$/);
    expect(traceOf(headers)).not.toEqual(trace);
  });
});
