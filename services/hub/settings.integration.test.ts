import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, connect as tcpConnect } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createLogger } from "#lib/runtime/logger.ts";

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

test("HUB_SCAN_QUEUE_SIZE is how many jobs of a tenant may be open", async () => {
  await fleet.startHub({ HUB_SCAN_QUEUE_SIZE: "1" });
  const client = await fleet.connectClient();
  const first = client.request(scan({ job: "first" }), { timeoutMs: 20_000 }).catch((error) => error.code);
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_scans_waiting")) === 1 || undefined);
  await expect(client.request(scan({ job: "second" }), { timeoutMs: 20_000 })).rejects.toMatchObject({ code: "busy" });
  await fleet.startConnector("c1");
  expect((await first).name).toBe("result");
});

test("hub_handshakes_waiting counts the connections that have begun and wait for their turn in TLS", async () => {
  await fleet.startHub({ HUB_HANDSHAKE_TIMEOUT_MS: "60000" });
  expect(await readMetric(fleet.healthPort, "hub_handshakes_waiting")).toBe(0);
  const sockets = Array.from({ length: 70 }, () => tcpConnect(fleet.port, "127.0.0.1").on("error", () => {}));
  // The first byte of TLS, and no more: 64 have their turn, and keep it.
  for (const socket of sockets) socket.write("\u0016");
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_handshakes_waiting")) === 6 || undefined);
  for (const socket of sockets) socket.destroy();
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_handshakes_waiting")) === 0 || undefined);
});

test("with FAULT_ERROR_RATIO 1 every scan is refused, and says why", async () => {
  await fleet.startHub({ FAULT_ERROR_RATIO: "1", FAULT_LATENCY_MS: "1" });
  const client = await fleet.connectClient();
  await expect(client.request(scan(), { timeoutMs: 20_000 })).rejects.toMatchObject({
    code: "busy",
    message: "refused by FAULT_ERROR_RATIO",
  });
});

test("tells name and version to peers, and counts messages, scans and jobs of which none happened yet", async () => {
  await fleet.startHub({ HUB_NAME: "north", SERVICE_VERSION: "1.2.3" });
  const client = await fleet.connectClient();
  await client.request({ name: "heartbeat", body: {} }, { timeoutMs: 5_000 });
  const metric = (sample: string) => readMetric(fleet.healthPort, sample);
  expect(await metric('service_build_info{service="hub",version="1.2.3"}')).toBe(1);
  const [sent, received] = [await metric("messages_sent"), await metric("messages_received")];
  expect(Math.min(Number(sent), Number(received))).toBeGreaterThanOrEqual(2);
  expect(await metric("messages_total")).toBeGreaterThanOrEqual(Number(sent) + Number(received));
  expect(await metric("connections_active")).toBe(1);
  const none = [
    "errors_total",
    "hub_scans_running",
    "hub_scans_waiting",
    'hub_jobs_total{result="ok"}',
    'hub_scans_total{result="ok"}',
  ];
  for (const sample of none) expect([sample, await metric(sample)]).toEqual([sample, 0]);
  for (const operation of ["scan", "batch"])
    expect(await metric(`request_duration_seconds_count{operation="${operation}"}`)).toBe(0);
});

test("with HUB_SELF_SIGNED makes a certificate for the names that are asked for, writes it, and warns", async () => {
  const certFile = join(fleet.folder, "made.pem");
  const hub = await fleet.startHub({
    TLS_CERT_FILE: "",
    TLS_KEY_FILE: "",
    HUB_SELF_SIGNED: "true",
    HUB_SELF_SIGNED_NAMES: "hub.example, other.example",
    HUB_SELF_SIGNED_CERT_FILE: certFile,
  });
  expect(hub.lines.find(({ certFile: file }) => file === certFile)).toMatchObject({ level: "warn" });
  const authorized = await new Promise((resolve, reject) => {
    const ca = readFileSync(certFile, "utf8");
    const socket = connect({ host: "127.0.0.1", port: fleet.port, servername: "other.example", ca }, () => {
      resolve(socket.authorized);
      socket.destroy();
    });
    socket.on("error", reject);
  });
  expect(authorized).toBe(true);
});

test("with TLS_CLIENT_CA_FILE lets in peers with a certificate of it and no other, and tells of a refusal", async () => {
  const client = await createSelfSignedCertificate(["client"]);
  const caFile = join(fleet.folder, "client-ca.pem");
  writeFileSync(caFile, client.cert);
  const hub = await fleet.startHub({ TLS_CLIENT_CA_FILE: caFile });
  const open = (tls: { cert?: string; key?: string }) => {
    const peer = new HubClient({
      hubs: [{ host: "127.0.0.1", port: fleet.port }],
      hello: { role: "client", tenant: "t", instance: "test", version: "test", token: () => fleet.token },
      tls: { ca: fleet.certificate.cert, ...tls },
      logger: createLogger("test", "silent"),
    });
    peer.start();
    return peer;
  };
  const [known, stranger] = [open(client), open(await createSelfSignedCertificate(["client"]))];
  await waitFor(() => known.isConnected || undefined);
  await hub.logged("a peer's certificate is refused");
  expect(await readMetric(fleet.healthPort, 'hub_rejected_connections_total{reason="tls_failed"}')).toBeGreaterThan(0);
  expect(await readMetric(fleet.healthPort, "handshakes_total")).toBe(1);
  await Promise.all([known.stop(), stranger.stop()]);
});

test("after HUB_DRAIN_TIMEOUT_MS a hub that stops waits no longer for scans", async () => {
  const hub = await fleet.startHub({ HUB_DRAIN_TIMEOUT_MS: "100" });
  await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "50" });
  const client = await fleet.connectClient();
  const answer = client
    .request(scan({ ports: "1-5000", timeoutMs: 600_000 }), { timeoutMs: 60_000 })
    .catch((error) => error.code);
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_scans_running")) || undefined);
  expect(await hub.end("SIGTERM")).toBe(0);
  expect(await answer).toBe("shutting_down");
  expect(hub.lines.some(({ msg }) => msg === "scans were still running")).toBe(true);
});

test("shows its certificate to an upstream hub that wants one, and gives up an address that does not answer", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const files = {
    cert: join(fleet.folder, "peer.pem"),
    key: join(fleet.folder, "peer.key"),
    ca: join(fleet.folder, "trusted.pem"),
  };
  const own = await createSelfSignedCertificate(["region"]);
  writeFileSync(files.cert, own.cert);
  writeFileSync(files.key, own.key);
  writeFileSync(files.ca, fleet.certificate.cert);
  await fleet.startHub({ HUB_NAME: "cloud", TLS_CLIENT_CA_FILE: files.cert });
  const [cloudPort, cloudHealthPort] = [fleet.port, fleet.healthPort];
  await fleet.startHub({
    BIND_ADDRESS: "127.0.0.1:0",
    HEALTH_ADDRESS: "127.0.0.1:0",
    HUB_UPSTREAM_ADDRESS: `127.0.0.1:${(silent.address() as AddressInfo).port},127.0.0.1:${cloudPort}`,
    HUB_UPSTREAM_AUTH_TOKEN: fleet.token,
    HUB_UPSTREAM_CA_FILE: files.ca,
    HUB_UPSTREAM_CLIENT_CERT_FILE: files.cert,
    HUB_UPSTREAM_CLIENT_KEY_FILE: files.key,
    HUB_UPSTREAM_TIMEOUT_MS: "1500",
  });
  await waitFor(async () => (await readMetric(cloudHealthPort, 'hub_peers{role="hub"}')) || undefined);
  silent.close();
});
