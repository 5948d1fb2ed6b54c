import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEdgeConfiguration } from "./env.ts";

const least = { HUB_ADDRESS: "hub.example:8443", HUB_AUTH_TOKEN: "secret-of-the-hub" };

test("the guide's defaults hold when nothing but the hub is said", async () => {
  const env = await readEdgeConfiguration({ variables: least });
  expect(env).toMatchObject({
    hubs: [{ host: "hub.example", port: 8443 }],
    credentials: { token: "secret-of-the-hub" },
    credentialsCheckMs: 10_000,
    tenant: "default",
    localSocket: "/tmp/sensor.sock",
    sensorWatch: { beginMs: 10_000, idleMs: 86_400_000 },
    connectTimeoutMs: 5_000,
    bufferSize: 10_000,
    bufferBytes: 67_108_864,
    bufferFolder: undefined,
    fsync: "always",
    breaker: { failures: 5, openMs: 30_000 },
    hostSensorIntervalMs: 0,
    drainTimeoutMs: 30_000,
    faults: undefined,
    health: { host: "0.0.0.0", port: 8080 },
    version: "dev",
  });
});

test("is read from a file of CONFIG_PATH, over which variables win", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-"));
  const path = join(folder, "edge.toml");
  writeFileSync(
    path,
    '[hub]\naddress = ["file.example:1"]\n[edge]\noffline_buffer_size = 7\ncolour = "blue"\nbreaker_failures = 3\n',
  );
  const variables = { CONFIG_PATH: path, HUB_AUTH_TOKEN: "secret-of-the-hub", EDGE_BREAKER_FAILURES: "2" };
  expect(await readEdgeConfiguration({ variables })).toMatchObject({
    hubs: [{ host: "file.example", port: 1 }],
    bufferSize: 7,
    breaker: { failures: 2 },
    unknownKeys: ["edge.colour"],
  });
  rmSync(folder, { recursive: true });
});

test("several hubs, and faults, are read", async () => {
  const variables = { ...least, HUB_ADDRESS: "a:1, [::1]:2,10.0.0.3:3", FAULT_LATENCY_MS: "20", FAULT_ERROR_RATIO: "0.5" };
  expect(await readEdgeConfiguration({ variables })).toMatchObject({
    hubs: [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
      { host: "10.0.0.3", port: 3 },
    ],
    faults: { latencyMs: 20, errorRatio: 0.5 },
  });
});

test.each([
  ["HUB_ADDRESS", "hub.example"],
  ["HUB_ADDRESS", "a:1,"],
  ["HUB_CA_FILE", "/nowhere/ca.pem"],
  ["HUB_CLIENT_CERT_FILE", "/nowhere/cert.pem"],
  ["HUB_CLIENT_KEY_FILE", "/nowhere/key.pem"],
  ["EDGE_CERTIFICATE_CHECK_MS", "1"],
  ["EDGE_LOCAL_SOCKET", `/${"x".repeat(100)}`],
  ["EDGE_SENSOR_LINE_MS", "1"],
  ["EDGE_SENSOR_IDLE_MS", "-1"],
  ["EDGE_CONNECTION_TIMEOUT_MS", "1"],
  ["EDGE_OFFLINE_BUFFER_SIZE", "0"],
  ["EDGE_OFFLINE_BUFFER_BYTES", "1000"],
  ["EDGE_BUFFER_FSYNC", "sometimes"],
  ["EDGE_BREAKER_FAILURES", "0"],
  ["EDGE_BREAKER_OPEN_MS", "-1"],
  ["EDGE_HOST_SENSOR_INTERVAL_MS", "soon"],
  ["EDGE_DRAIN_TIMEOUT_MS", "600001"],
  ["FAULT_LATENCY_MS", "-1"],
  ["FAULT_ERROR_RATIO", "2"],
  ["HEALTH_ADDRESS", "8080"],
  ["LOCAL_ADDRESS", "here"],
  ["RUST_LOG", "loud=very"],
])("%s=%s is refused by its name", async (name, value) => {
  await expect(readEdgeConfiguration({ variables: { ...least, [name]: value } })).rejects.toThrow(
    new RegExp(`^${name}: .*wants `, "m"),
  );
});
