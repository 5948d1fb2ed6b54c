import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

const scan = (more = {}) =>
  ({ name: "scan", body: { target: "127.0.0.1", ports: "1", timeoutMs: 10_000, portTimeoutMs: 1_000, ...more } }) as const;

test("a client's trace is in the lines about its scan at hub and connector, and one without a trace is given one", async () => {
  const hub = await fleet.startHub();
  const connector = await fleet.startConnector("c1");
  const client = await fleet.connectClient();
  const trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  await client.request(scan({ traceparent: `00-${trace_id}-00f067aa0ba902b7-01`, job: "traced" }), { timeoutMs: 20_000 });
  await client.request(scan({ job: "bare" }), { timeoutMs: 20_000 });
  const traces = (lines: Record<string, unknown>[], job: string) =>
    new Set(lines.filter((line) => line.job === job && line.trace_id).map((line) => line.trace_id));
  const shown = (job: string) => waitFor(() => (traces(hub.lines, job).size > 0 ? [...traces(hub.lines, job)] : undefined));
  expect(await shown("traced")).toEqual([trace_id]);
  expect([...traces(connector.lines, "traced")]).toEqual([trace_id]);
  const made = await shown("bare");
  expect(made).toEqual([expect.stringMatching(/^[\da-f]{32}$/)]);
  expect([...traces(connector.lines, "bare")]).toEqual(made);
});

test("with FAULT_ERROR_RATIO 1 every scan is refused, and says why", async () => {
  await fleet.startHub({ FAULT_ERROR_RATIO: "1", FAULT_LATENCY_MS: "1" });
  const client = await fleet.connectClient();
  await expect(client.request(scan(), { timeoutMs: 20_000 })).rejects.toMatchObject({
    code: "busy",
    message: "refused by FAULT_ERROR_RATIO",
  });
});
