import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { HubProbe } from "./hub-probe.ts";
import { ProbeMetrics } from "./metrics.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

async function startProbe() {
  const metrics = new ProbeMetrics();
  const probe = new HubProbe({
    hub: { host: "127.0.0.1", port: fleet.port },
    token: fleet.token,
    tls: { ca: fleet.certificate.cert },
    tenant: "t",
    instance: "probe",
    version: "test",
    metrics,
    logger: createLogger("probe", "silent"),
    scanIntervalMs: 50,
    messageIntervalMs: 50,
    namedEvery: 2,
    timeoutMs: 500,
    reconnectSeconds: 1,
  });
  await probe.start();
  const read = async (sample: string) => {
    const line = (await metrics.registry.metrics()).split("\n").find((text) => text.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1));
  };
  const requests = (operation: string, result: string) =>
    read(`switchyard_probe_requests_total{target="hub",operation="${operation}",result="${result}"}`);
  const failed = async (operation: string) => (await requests(operation, "error")) + (await requests(operation, "timeout"));
  return { probe, read, requests, failed };
}

test("the hub probe sees scans and messages succeed, a hub without connectors fail, and a hub that is gone and back; each connection is used for a while", async () => {
  const hub = await fleet.startHub();
  const connector = await fleet.startConnector("c1");
  const { probe, read, requests, failed } = await startProbe();
  const isUp = async (value: number) => (await read('switchyard_probe_up{target="hub"}')) === value || undefined;
  const moreOk = async (operation: string) => {
    const before = await requests(operation, "ok");
    await waitFor(async () => (await requests(operation, "ok")) > before + 1 || undefined);
  };
  try {
    await moreOk("scan");
    await moreOk("message");
    await waitFor(() => isUp(1));
    expect(await read('switchyard_probe_latency_seconds_count{target="hub",operation="scan"}')).toBe(
      await requests("scan", "ok"),
    );

    // Two connections to begin with, and new ones in their place.
    await waitFor(async () => ((await readMetric(fleet.healthPort, "handshakes_total")) ?? 0) > 4 || undefined);
    await waitFor(() => isUp(1));

    await connector.end("SIGTERM");
    await waitFor(() => isUp(0));
    await waitFor(async () => (await requests("scan", "error")) > 0 || undefined);
    await moreOk("message");

    await hub.end("SIGKILL");
    const before = await failed("message");
    await waitFor(async () => (await failed("message")) > before || undefined);
    await fleet.startHub();
    await fleet.startConnector("c1");
    await waitFor(() => isUp(1));
    expect(await read('switchyard_probe_duplicated_total{target="hub"}')).toBe(0);
  } finally {
    await probe.stop();
  }
});
