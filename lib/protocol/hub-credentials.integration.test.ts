import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DaemonProcess, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";

type Variables = Record<string, string>;

let fleet: HubFleet;
let others: DaemonProcess[];
beforeEach(() => {
  fleet = new HubFleet();
  others = [];
});
afterEach(async () => {
  for (const daemon of others) await daemon.end("SIGKILL");
  await fleet.stop();
});

const path = (name: string) => join(fleet.folder, name);

/** As a mounted Secret or a renewal tool does: never half a file. */
function write(name: string, text: string): string {
  writeFileSync(`${path(name)}.new`, text);
  renameSync(`${path(name)}.new`, path(name));
  return path(name);
}

const day = 24 * 3_600_000;
const [old, renewed] = await Promise.all([
  createSelfSignedCertificate(["peer"]),
  createSelfSignedCertificate(["peer"], Date.now() + 0.5 * day - day),
]);
const expiryOf = (metric: string, port: number) => readMetric(port, metric);

type Dialler = DaemonProcess & { healthPort: number; metric: string; connections?: number };

/** Daemons that dial the hub at fleet.port, and the metric of their client certificate. */
const daemons: Record<string, (files: Variables) => Promise<Dialler>> = {
  edge: async ({ cert = "", key = "", token = "" }) => {
    const edge = await fleet.startEdge("e1", {
      HUB_CLIENT_CERT_FILE: cert,
      HUB_CLIENT_KEY_FILE: key,
      HUB_AUTH_TOKEN: "",
      HUB_AUTH_TOKEN_FILE: token,
      EDGE_CERTIFICATE_CHECK_MS: "50",
    });
    return Object.assign(edge, { metric: "edge_certificate_expiry_timestamp_seconds" });
  },
  connector: async ({ cert = "", key = "", token = "" }) => {
    const connector = await fleet.startConnector("c1", {
      MATRIX_CLIENT_CERT_FILE: cert,
      MATRIX_CLIENT_KEY_FILE: key,
      MATRIX_AUTH_TOKEN: "",
      MATRIX_AUTH_TOKEN_FILE: token,
      CONNECTOR_CERTIFICATE_CHECK_MS: "50",
    });
    return Object.assign(connector, { metric: "connector_certificate_expiry_timestamp_seconds" });
  },
  prober: async ({ cert = "", key = "", token = "" }) => {
    const prober = new DaemonProcess("prober", {
      BIND_ADDRESS: "127.0.0.1:0",
      RELAY_URL: "ws://127.0.0.1:1",
      ISSUER_URL: "http://127.0.0.1:1",
      ISSUER_CLIENT_SECRET: "none",
      HUB_ADDRESS: `127.0.0.1:${fleet.port}`,
      HUB_CA_FILE: path("ca.pem"),
      HUB_CLIENT_CERT_FILE: cert,
      HUB_CLIENT_KEY_FILE: key,
      HUB_AUTH_TOKEN_FILE: token,
      PROBER_RECONNECT_SECONDS: "3600",
      PROBER_CERTIFICATE_CHECK_MS: "50",
    });
    others.push(prober);
    const { address } = await prober.logged("the prober is running");
    const { port: healthPort } = address as { port: number };
    return Object.assign(prober, { healthPort, metric: "prober_certificate_expiry_timestamp_seconds", connections: 2 });
  },
  hub: async ({ cert = "", key = "", token = "" }) => {
    const cloud = { port: fleet.port, healthPort: fleet.healthPort };
    Object.assign(fleet, { port: 0, healthPort: 0 });
    const hub = await fleet.startHub({
      HUB_UPSTREAM_ADDRESS: `127.0.0.1:${cloud.port}`,
      HUB_UPSTREAM_CA_FILE: path("ca.pem"),
      HUB_UPSTREAM_CLIENT_CERT_FILE: cert,
      HUB_UPSTREAM_CLIENT_KEY_FILE: key,
      HUB_UPSTREAM_AUTH_TOKEN_FILE: token,
      HUB_CERTIFICATE_CHECK_MS: "50",
    });
    const { healthPort } = fleet;
    Object.assign(fleet, cloud);
    return Object.assign(hub, { healthPort, metric: "hub_upstream_certificate_expiry_timestamp_seconds" });
  },
};

test.each(Object.keys(daemons))(
  "%s: a renewed client certificate and token are shown from the next connection on, and the open one stays",
  async (name) => {
    const start = daemons[name];
    if (!start) throw new Error(`${name} is none of the daemons`);
    const authorities = write("authorities.pem", old.cert + renewed.cert);
    const hub = await fleet.startHub({ TLS_CLIENT_CA_FILE: authorities });
    const files = { cert: write("peer.pem", old.cert), key: write("peer.key", old.key), token: write("token", fleet.token) };
    const daemon = await start(files);
    const { connections = 1 } = daemon;
    const connected = () =>
      waitFor(async () => (await readMetric(fleet.healthPort, "connections_active")) === connections || undefined);
    await connected();
    const before = (await expiryOf(daemon.metric, daemon.healthPort)) ?? Number.NaN;

    write("token", "another-token");
    write("peer.key", renewed.key);
    await daemon.logged("the credentials cannot be used; those in use stay");
    write("peer.pem", renewed.cert);
    await waitFor(async () => {
      const expiry = (await expiryOf(daemon.metric, daemon.healthPort)) ?? Number.NaN;
      return Math.abs(before - expiry - day / 2_000) < 60 || undefined;
    });
    expect(await readMetric(fleet.healthPort, "handshakes_total")).toBe(connections);
    expect(await readMetric(fleet.healthPort, "connections_active")).toBe(connections);

    await hub.end("SIGKILL");
    await fleet.startHub({ TLS_CLIENT_CA_FILE: write("renewed.pem", renewed.cert), HUB_AUTH_TOKEN: "another-token" });
    await connected();
  },
);

test("without a client certificate there is no expiry", async () => {
  await fleet.startHub();
  const edge = await fleet.startEdge("e1");
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
  expect(await expiryOf("edge_certificate_expiry_timestamp_seconds", edge.healthPort)).toBeUndefined();
});
