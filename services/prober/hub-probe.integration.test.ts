import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { HubProbe, type HubProbeOptions } from "./hub-probe.ts";
import { ProbeMetrics } from "./metrics.ts";
import { StoredReadings } from "./stored-readings.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

const adminToken = "admin-token-of-the-test";

/** What a hub with an admin API is started with, and where messages are read back from it. */
async function readable() {
  const port = await freePort();
  const hub = { HUB_ADMIN_ADDRESS: `127.0.0.1:${port}`, HUB_ADMIN_TOKEN: adminToken };
  const tls = () => ({ ca: fleet.certificate.cert });
  const url = `https://127.0.0.1:${port}`;
  return { hub, stored: new StoredReadings({ url, token: () => adminToken, tls, timeoutMs: 2_000 }) };
}

async function startProbe(options: Partial<HubProbeOptions> = {}) {
  const metrics = new ProbeMetrics();
  const probe = new HubProbe({
    hub: { host: "127.0.0.1", port: fleet.port },
    token: () => fleet.token,
    tls: () => ({ ca: fleet.certificate.cert }),
    tenant: "t",
    instance: "probe",
    version: "test",
    metrics,
    logger: createLogger("probe", "silent"),
    scanHz: 20,
    messageHz: 20,
    namedEvery: 2,
    timeoutMs: 500,
    reconnectSeconds: 1,
    ...options,
  });
  await probe.start();
  const read = async (sample: string) => {
    const line = (await metrics.registry.metrics()).split("\n").find((text) => text.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1));
  };
  const requests = (operation: string, result: string) =>
    read(`switchyard_probe_requests_total{target="hub",operation="${operation}",result="${result}"}`);
  const failed = async (operation: string) => (await requests(operation, "error")) + (await requests(operation, "timeout"));
  const ledger = () =>
    Promise.all(["lost", "duplicated", "reordered"].map((what) => read(`switchyard_probe_${what}_total{target="hub"}`)));
  const moreOk = async (operation: string) => {
    const before = await requests(operation, "ok");
    await waitFor(async () => (await requests(operation, "ok")) > before + 1 || undefined);
  };
  return { probe, read, requests, failed, ledger, moreOk };
}

test("the hub probe sees scans and messages succeed, a hub without connectors fail, and a hub that is gone and back; each connection is used for a while", async () => {
  const { hub: variables, stored } = await readable();
  const hub = await fleet.startHub(variables);
  const connector = await fleet.startConnector("c1");
  const { probe, read, requests, failed, moreOk } = await startProbe({ stored });
  const isUp = async (value: number) => (await read('switchyard_probe_up{target="hub"}')) === value || undefined;
  try {
    await moreOk("scan");
    await moreOk("message");
    await moreOk("deliver");
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
    await fleet.startHub(variables);
    await fleet.startConnector("c1");
    await waitFor(() => isUp(1));
    await moreOk("deliver");
    expect(await read('switchyard_probe_duplicated_total{target="hub"}')).toBe(0);
  } finally {
    await probe.stop();
  }
});

test("messages go in by an edge's socket and are read back from the hub; what the edge took with it when it was killed is lost", async () => {
  const { hub: variables, stored } = await readable();
  const hub = await fleet.startHub(variables);
  const edge = await fleet.startEdge("e1");
  const { probe, read, requests, ledger, moreOk } = await startProbe({ stored, sensorSocket: edge.socketPath });
  try {
    await moreOk("deliver");
    expect(await ledger()).toEqual([0, 0, 0]);
    expect(await readMetric(fleet.healthPort, 'hub_peers{role="edge"}')).toBe(1);
    await hub.end("SIGKILL");
    await moreOk("message");
    await waitFor(async () => (await requests("deliver", "timeout")) > 0 || undefined);
    expect(await ledger()).toEqual([0, 0, 0]);
    await edge.end("SIGKILL");
    await fleet.startHub(variables);
    await fleet.startEdge("e1");
    await moreOk("deliver");
    const [lost = 0, ...others] = await ledger();
    expect(lost).toBeGreaterThan(1);
    expect(others).toEqual([0, 0]);
    expect(lost + (await read('switchyard_probe_latency_seconds_count{target="hub",operation="deliver"}'))).toBeLessThanOrEqual(
      await requests("message", "ok"),
    );
  } finally {
    await probe.stop();
  }
});

test("without a way to read back only acknowledgements are known, and a token that is refused counts as down", async () => {
  const { hub: variables } = await readable();
  await fleet.startHub(variables);
  await fleet.startConnector("c1");
  const bare = await startProbe();
  const refused = await startProbe({
    instance: "other",
    stored: new StoredReadings({
      url: `https://${variables.HUB_ADMIN_ADDRESS}`,
      token: () => "wrong",
      tls: () => ({ ca: fleet.certificate.cert }),
      timeoutMs: 2_000,
    }),
  });
  try {
    await bare.moreOk("message");
    await waitFor(async () => (await bare.read('switchyard_probe_up{target="hub"}')) === 1 || undefined);
    expect(await bare.requests("deliver", "ok")).toBeNaN();
    await refused.moreOk("message");
    await refused.moreOk("scan");
    await waitFor(async () => (await refused.requests("deliver", "timeout")) > 0 || undefined);
    expect(await refused.read('switchyard_probe_up{target="hub"}')).toBe(0);
    expect(await refused.ledger()).toEqual([0, 0, 0]);
  } finally {
    await Promise.all([bare.probe.stop(), refused.probe.stop()]);
  }
});
