import { hostname } from "node:os";
import { z } from "zod";
import { type Given, isUsableTls, logFilter, pemFile, readConfiguration } from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";
import { faultSettings } from "#lib/runtime/faults.ts";

const schema = z.object({
  BIND_ADDRESS: envValue.address().prefault("0.0.0.0:8443"),
  HEALTH_ADDRESS: envValue.address().prefault("0.0.0.0:8080"),
  TLS_CERT_FILE: pemFile().optional(),
  TLS_KEY_FILE: pemFile().optional(),
  TLS_CLIENT_CA_FILE: pemFile().optional(),
  HUB_CERTIFICATE_CHECK_MS: envValue.integer(10, 3_600_000).prefault("10000"),
  HUB_SELF_SIGNED: envValue.boolean().prefault("false"),
  HUB_SELF_SIGNED_NAMES: envValue.text().optional(),
  HUB_SELF_SIGNED_CERT_FILE: envValue.text().optional(),
  HUB_AUTH_TOKEN: z.string("wants the token that peers must show, or HUB_AUTH_TOKEN_FILE").min(8, "wants at least 8 characters"),
  HUB_NAME: envValue.text().default(hostname()),
  HUB_MAX_CONNECTIONS: envValue.integer(1, 100_000).prefault("1000"),
  HUB_HANDSHAKE_TIMEOUT_MS: envValue.integer(50, 60_000).prefault("5000"),
  HUB_HEARTBEAT_INTERVAL_MS: envValue.integer(50, 60_000).prefault("5000"),
  HUB_SCAN_QUEUE_SIZE: envValue.integer(0, 100_000).prefault("1000"),
  HUB_LEASE_MS: envValue.integer(100, 3_600_000).prefault("45000"),
  REDIS_URL: envValue.url("redis", "rediss").optional(),
  HUB_DRAIN_TIMEOUT_MS: envValue.integer(0, 600_000).prefault("30000"),
  HUB_CREDIT_READINGS: envValue.integer(1, 1_000_000).prefault("16384"),
  HUB_CREDIT_BYTES: envValue.integer(1_048_576, 67_108_864).prefault("4194304"),
  HUB_READINGS_KEPT: envValue.integer(0, 10_000_000).prefault("100000"),
  HUB_UPSTREAM_ADDRESS: envValue.addresses().optional(),
  HUB_UPSTREAM_AUTH_TOKEN: z.string("wants the token of the upstream hub, or HUB_UPSTREAM_AUTH_TOKEN_FILE").optional(),
  HUB_UPSTREAM_CA_FILE: pemFile().optional(),
  HUB_UPSTREAM_CLIENT_CERT_FILE: pemFile().optional(),
  HUB_UPSTREAM_CLIENT_KEY_FILE: pemFile().optional(),
  HUB_UPSTREAM_TIMEOUT_MS: envValue.integer(100, 60_000).prefault("5000"),
  HUB_ADMIN_ADDRESS: envValue.address().optional(),
  HUB_ADMIN_TOKEN: z
    .string("wants the token of the admin API, or HUB_ADMIN_TOKEN_FILE")
    .min(16, "wants at least 16 characters")
    .optional(),
  ...faultSettings,
  SERVICE_VERSION: envValue.text().default("dev"),
  RUST_LOG: logFilter().prefault("info"),
});

const rules = schema
  .refine((env) => env.TLS_CERT_FILE || env.TLS_KEY_FILE || env.HUB_SELF_SIGNED, {
    path: ["TLS_CERT_FILE"],
    message: "wants a PEM file (or set HUB_SELF_SIGNED=true for a certificate to try out with)",
    when: () => true,
  })
  .refine((env) => !env.TLS_KEY_FILE || env.TLS_CERT_FILE, {
    path: ["TLS_CERT_FILE"],
    message: "wants the certificate of TLS_KEY_FILE",
    when: () => true,
  })
  .refine((env) => !env.TLS_CERT_FILE || env.TLS_KEY_FILE, {
    path: ["TLS_KEY_FILE"],
    message: "wants the key of TLS_CERT_FILE",
    when: () => true,
  })
  .refine(({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key }) => !cert || !key || isUsableTls({ cert, key }), {
    path: ["TLS_CERT_FILE"],
    message: "wants the certificate of TLS_KEY_FILE",
  })
  .refine((env) => isUsableTls({ ca: env.TLS_CLIENT_CA_FILE }), {
    path: ["TLS_CLIENT_CA_FILE"],
    message: "wants certificates in its PEM file",
  })
  .refine((env) => !env.HUB_ADMIN_ADDRESS || env.HUB_ADMIN_TOKEN, {
    path: ["HUB_ADMIN_TOKEN"],
    message: "wants the token of the admin API, or HUB_ADMIN_TOKEN_FILE",
    when: () => true,
  })
  .refine((env) => !env.HUB_UPSTREAM_ADDRESS || env.HUB_UPSTREAM_AUTH_TOKEN, {
    path: ["HUB_UPSTREAM_AUTH_TOKEN"],
    message: "wants the token of the upstream hub, or HUB_UPSTREAM_AUTH_TOKEN_FILE",
    when: () => true,
  })
  .refine((env) => !env.HUB_UPSTREAM_CLIENT_CERT_FILE === !env.HUB_UPSTREAM_CLIENT_KEY_FILE, {
    path: ["HUB_UPSTREAM_CLIENT_CERT_FILE"],
    message: "wants HUB_UPSTREAM_CLIENT_KEY_FILE set too, or neither",
    when: () => true,
  })
  .refine(
    ({ HUB_UPSTREAM_CLIENT_CERT_FILE: cert, HUB_UPSTREAM_CLIENT_KEY_FILE: key }) => !cert || !key || isUsableTls({ cert, key }),
    { path: ["HUB_UPSTREAM_CLIENT_CERT_FILE"], message: "wants the certificate of HUB_UPSTREAM_CLIENT_KEY_FILE" },
  )
  .refine((env) => isUsableTls({ ca: env.HUB_UPSTREAM_CA_FILE }), {
    path: ["HUB_UPSTREAM_CA_FILE"],
    message: "wants certificates in its PEM file",
  });

/** The hub's settings, read as every daemon's (readConfiguration). Rejects with EnvError. */
export async function readHubConfiguration(given: Given) {
  const { settings: env, unknownKeys } = await readConfiguration(
    { schema: rules, secrets: ["HUB_AUTH_TOKEN", "REDIS_URL", "HUB_UPSTREAM_AUTH_TOKEN", "HUB_ADMIN_TOKEN"] },
    given,
  );
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: clientCa } = env;
  const names = env.HUB_SELF_SIGNED_NAMES?.split(",").map((name) => name.trim()) ?? [];
  return {
    unknownKeys,
    bind: env.BIND_ADDRESS,
    health: env.HEALTH_ADDRESS,
    /** Undefined when one is to be made from `selfSigned`. */
    certificate: cert && key ? { cert, key } : undefined,
    certificateCheckMs: env.HUB_CERTIFICATE_CHECK_MS,
    selfSigned: {
      names: ["localhost", "127.0.0.1", "::1", hostname(), env.BIND_ADDRESS.host, ...names],
      certFile: env.HUB_SELF_SIGNED_CERT_FILE,
    },
    clientCa,
    token: env.HUB_AUTH_TOKEN,
    name: env.HUB_NAME,
    version: env.SERVICE_VERSION,
    logFilter: env.RUST_LOG,
    scanQueueSize: env.HUB_SCAN_QUEUE_SIZE,
    leaseMs: env.HUB_LEASE_MS,
    redisUrl: env.REDIS_URL,
    drainTimeoutMs: env.HUB_DRAIN_TIMEOUT_MS,
    readingsKept: env.HUB_READINGS_KEPT,
    upstream: readUpstream(env),
    admin: env.HUB_ADMIN_ADDRESS && { ...env.HUB_ADMIN_ADDRESS, token: env.HUB_ADMIN_TOKEN ?? "" },
    faults: { latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO },
    limits: {
      credit: { readings: env.HUB_CREDIT_READINGS, bytes: env.HUB_CREDIT_BYTES },
      maxConnections: env.HUB_MAX_CONNECTIONS,
      handshakeTimeoutMs: env.HUB_HANDSHAKE_TIMEOUT_MS,
      heartbeatIntervalMs: env.HUB_HEARTBEAT_INTERVAL_MS,
    },
  };
}

function readUpstream(env: z.output<typeof rules>) {
  if (!env.HUB_UPSTREAM_ADDRESS) return undefined;
  return {
    hubs: env.HUB_UPSTREAM_ADDRESS,
    credentials: {
      token: env.HUB_UPSTREAM_AUTH_TOKEN ?? "",
      tls: { ca: env.HUB_UPSTREAM_CA_FILE, cert: env.HUB_UPSTREAM_CLIENT_CERT_FILE, key: env.HUB_UPSTREAM_CLIENT_KEY_FILE },
    },
    timeoutMs: env.HUB_UPSTREAM_TIMEOUT_MS,
  };
}

export type HubEnv = Awaited<ReturnType<typeof readHubConfiguration>>;
