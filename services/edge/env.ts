import { hostname } from "node:os";
import { z } from "zod";
import { type Given, isUsableTls, logFilter, pemFile, readConfiguration } from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";
import { faultSettings } from "#lib/runtime/faults.ts";

const schema = z
  .object({
    HUB_ADDRESS: envValue.addresses(),
    HUB_AUTH_TOKEN: z.string("wants the token that the hub asks for, or HUB_AUTH_TOKEN_FILE"),
    HUB_CA_FILE: pemFile().optional(),
    HUB_CLIENT_CERT_FILE: pemFile().optional(),
    HUB_CLIENT_KEY_FILE: pemFile().optional(),
    EDGE_CERTIFICATE_CHECK_MS: envValue.integer(10, 3_600_000).prefault("10000"),
    TENANT_ID: envValue.text().default("default"),
    INSTANCE_ID: envValue.text().default(hostname()),
    EDGE_LOCAL_SOCKET: z.string().max(100, "wants a path of at most 100 characters").default("/tmp/sensor.sock"),
    EDGE_SENSOR_LINE_MS: envValue.integer(100, 600_000).prefault("10000"),
    EDGE_SENSOR_IDLE_MS: envValue.integer(0, 2_147_483_647).prefault("86400000"),
    EDGE_CONNECTION_TIMEOUT_MS: envValue.integer(10, 600_000).prefault("5000"),
    EDGE_OFFLINE_BUFFER_SIZE: envValue.integer(1, 1_000_000).prefault("10000"),
    EDGE_OFFLINE_BUFFER_BYTES: envValue.integer(1_048_576, 1_073_741_824).prefault("67108864"),
    EDGE_BUFFER_DIR: envValue.text().optional(),
    EDGE_BUFFER_FSYNC: z.enum(["always", "never"], "wants always or never").default("always"),
    EDGE_BREAKER_FAILURES: envValue.integer(1, 1000).prefault("5"),
    EDGE_BREAKER_OPEN_MS: envValue.integer(1, 3_600_000).prefault("30000"),
    EDGE_HOST_SENSOR_INTERVAL_MS: envValue.integer(0, 3_600_000).prefault("0"),
    EDGE_DRAIN_TIMEOUT_MS: envValue.integer(0, 600_000).prefault("30000"),
    ADMIN_TOKEN: z.string().min(16, "wants at least 16 characters").optional(),
    HEALTH_ADDRESS: envValue.address().prefault("0.0.0.0:8080"),
    LOCAL_ADDRESS: z.union([z.ipv4(), z.ipv6()], "wants an IP address of this machine").optional(),
    ...faultSettings,
    SERVICE_VERSION: envValue.text().default("dev"),
    RUST_LOG: logFilter().prefault("info"),
  })
  .refine((env) => !env.HUB_CLIENT_CERT_FILE === !env.HUB_CLIENT_KEY_FILE, {
    path: ["HUB_CLIENT_CERT_FILE"],
    message: "wants HUB_CLIENT_KEY_FILE set too, or neither",
    when: () => true,
  })
  .refine(({ HUB_CLIENT_CERT_FILE: cert, HUB_CLIENT_KEY_FILE: key }) => !cert || !key || isUsableTls({ cert, key }), {
    path: ["HUB_CLIENT_CERT_FILE"],
    message: "wants the certificate of HUB_CLIENT_KEY_FILE",
  })
  .refine((env) => isUsableTls({ ca: env.HUB_CA_FILE }), {
    path: ["HUB_CA_FILE"],
    message: "wants certificates in its PEM file",
  });

/** The edge's settings, read as every daemon's (readConfiguration). Rejects with EnvError. */
export async function readEdgeConfiguration(given: Given) {
  const { settings: env, unknownKeys } = await readConfiguration({ schema, secrets: ["HUB_AUTH_TOKEN"] }, given);
  return {
    unknownKeys,
    hubs: env.HUB_ADDRESS,
    credentials: {
      token: env.HUB_AUTH_TOKEN,
      tls: { ca: env.HUB_CA_FILE, cert: env.HUB_CLIENT_CERT_FILE, key: env.HUB_CLIENT_KEY_FILE },
    },
    credentialsCheckMs: env.EDGE_CERTIFICATE_CHECK_MS,
    tenant: env.TENANT_ID,
    instance: env.INSTANCE_ID,
    localSocket: env.EDGE_LOCAL_SOCKET,
    sensorWatch: { beginMs: env.EDGE_SENSOR_LINE_MS, idleMs: env.EDGE_SENSOR_IDLE_MS },
    connectTimeoutMs: env.EDGE_CONNECTION_TIMEOUT_MS,
    bufferSize: env.EDGE_OFFLINE_BUFFER_SIZE,
    bufferBytes: env.EDGE_OFFLINE_BUFFER_BYTES,
    bufferFolder: env.EDGE_BUFFER_DIR,
    fsync: env.EDGE_BUFFER_FSYNC,
    breaker: { failures: env.EDGE_BREAKER_FAILURES, openMs: env.EDGE_BREAKER_OPEN_MS },
    hostSensorIntervalMs: env.EDGE_HOST_SENSOR_INTERVAL_MS,
    drainTimeoutMs: env.EDGE_DRAIN_TIMEOUT_MS,
    /** Undefined when none are to be injected. */
    faults:
      env.FAULT_LATENCY_MS > 0 || env.FAULT_ERROR_RATIO > 0
        ? { latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO }
        : undefined,
    health: env.HEALTH_ADDRESS,
    /** Undefined: no admin route is served. */
    adminToken: env.ADMIN_TOKEN,
    localAddress: env.LOCAL_ADDRESS,
    version: env.SERVICE_VERSION,
    logFilter: env.RUST_LOG,
  };
}

export type EdgeConfiguration = Awaited<ReturnType<typeof readEdgeConfiguration>>;
