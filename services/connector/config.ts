import { hostname } from "node:os";
import { z } from "zod";
import {
  type Configuration,
  type Given,
  isUsableTls,
  logFilter,
  pemFile,
  readConfiguration,
} from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";
import { faultSettings } from "#lib/runtime/faults.ts";
import { isAddressBlock } from "./allow-list.ts";

const schema = z
  .object({
    MATRIX_HOST: envValue.addresses(),
    MATRIX_API_URL: envValue.url("https", "http").optional(),
    MATRIX_TENANT_ID: envValue.text(),
    MATRIX_AUTH_TOKEN: z.string("wants the token that the hub asks for, or MATRIX_AUTH_TOKEN_FILE"),
    MATRIX_CA_FILE: pemFile().optional(),
    MATRIX_CLIENT_CERT_FILE: pemFile().optional(),
    MATRIX_CLIENT_KEY_FILE: pemFile().optional(),
    CONNECTOR_CERTIFICATE_CHECK_MS: envValue.integer(10, 3_600_000).prefault("10000"),
    USE_TLS: envValue.boolean().prefault("true"),
    INSTANCE_ID: envValue.text().default(hostname()),
    MAX_CONCURRENT_SCANS: envValue.integer(1, 1000).prefault("10"),
    TIMEOUT_SECONDS: envValue.integer(1, 3600).prefault("300"),
    CONNECTOR_ALLOW: z
      .string()
      .default("127.0.0.0/8,::1")
      .transform((text) => text.split(",").map((part) => part.trim()))
      .refine((blocks) => blocks.every(isAddressBlock), "wants addresses and CIDR blocks such as 10.0.0.0/8,::1"),
    CONNECTOR_MAX_SOCKETS: envValue.integer(1, 10_000).prefault("512"),
    CONNECTOR_MAX_RATE: envValue.integer(1, 1_000_000).optional(),
    CONNECTOR_MAX_RATE_PER_TARGET: envValue.integer(1, 1_000_000).optional(),
    CONNECTOR_DRAIN_TIMEOUT_MS: envValue.integer(0, 600_000).prefault("30000"),
    CONNECTOR_BREAKER_FAILURES: envValue.integer(1, 1000).prefault("5"),
    CONNECTOR_BREAKER_OPEN_MS: envValue.integer(1, 3_600_000).prefault("30000"),
    ADMIN_TOKEN: z.string().min(16, "wants at least 16 characters").optional(),
    HEALTH_ADDRESS: envValue.address().prefault("0.0.0.0:8080"),
    LOCAL_ADDRESS: z.union([z.ipv4(), z.ipv6()], "wants an IP address of this machine").optional(),
    ...faultSettings,
    SERVICE_VERSION: envValue.text().default("dev"),
    RUST_LOG: logFilter().prefault("info"),
    LOG_FORMAT: z.literal("json", "wants json, the only format").default("json"),
  })
  .refine((env) => !env.MATRIX_CLIENT_CERT_FILE === !env.MATRIX_CLIENT_KEY_FILE, {
    path: ["MATRIX_CLIENT_CERT_FILE"],
    message: "wants MATRIX_CLIENT_KEY_FILE set too, or neither",
    when: () => true,
  })
  .refine(({ MATRIX_CLIENT_CERT_FILE: cert, MATRIX_CLIENT_KEY_FILE: key }) => !cert || !key || isUsableTls({ cert, key }), {
    path: ["MATRIX_CLIENT_CERT_FILE"],
    message: "wants the certificate of MATRIX_CLIENT_KEY_FILE",
  })
  .refine((env) => isUsableTls({ ca: env.MATRIX_CA_FILE }), {
    path: ["MATRIX_CA_FILE"],
    message: "wants certificates in its PEM file",
  });

/** The file has the guide's sections and keys. */
const fileKeys: Record<string, string> = {
  "matrix.host": "MATRIX_HOST",
  "matrix.api_url": "MATRIX_API_URL",
  "matrix.tenant_id": "MATRIX_TENANT_ID",
  "matrix.auth_token_file": "MATRIX_AUTH_TOKEN_FILE",
  "matrix.ca_file": "MATRIX_CA_FILE",
  "matrix.use_tls": "USE_TLS",
  "connector.instance_id": "INSTANCE_ID",
  "connector.max_concurrent_scans": "MAX_CONCURRENT_SCANS",
  "connector.timeout_seconds": "TIMEOUT_SECONDS",
  "connector.allow": "CONNECTOR_ALLOW",
  "logging.level": "RUST_LOG",
  "logging.format": "LOG_FORMAT",
};

const configuration = {
  schema,
  secrets: ["MATRIX_AUTH_TOKEN"],
  defaultPath: "/etc/my-connector/config.toml",
  fileKeys,
} satisfies Configuration<typeof schema>;

/** The connector's settings, read as every daemon's (readConfiguration). Rejects with EnvError. */
export async function readConnectorConfiguration(given: Given) {
  const { settings: env, unknownKeys } = await readConfiguration(configuration, given);
  return {
    hubs: env.MATRIX_HOST,
    apiUrl: env.MATRIX_API_URL,
    tenant: env.MATRIX_TENANT_ID,
    instance: env.INSTANCE_ID,
    credentials: {
      token: env.MATRIX_AUTH_TOKEN,
      tls: env.USE_TLS && { ca: env.MATRIX_CA_FILE, cert: env.MATRIX_CLIENT_CERT_FILE, key: env.MATRIX_CLIENT_KEY_FILE },
    },
    credentialsCheckMs: env.CONNECTOR_CERTIFICATE_CHECK_MS,
    maxConcurrentScans: env.MAX_CONCURRENT_SCANS,
    timeoutMs: env.TIMEOUT_SECONDS * 1000,
    allow: env.CONNECTOR_ALLOW,
    maxSockets: env.CONNECTOR_MAX_SOCKETS,
    rates: { total: env.CONNECTOR_MAX_RATE, perTarget: env.CONNECTOR_MAX_RATE_PER_TARGET },
    drainTimeoutMs: env.CONNECTOR_DRAIN_TIMEOUT_MS,
    breaker: { failures: env.CONNECTOR_BREAKER_FAILURES, openMs: env.CONNECTOR_BREAKER_OPEN_MS },
    faults: { latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO },
    health: env.HEALTH_ADDRESS,
    /** Undefined: no admin route is served. */
    adminToken: env.ADMIN_TOKEN,
    localAddress: env.LOCAL_ADDRESS,
    version: env.SERVICE_VERSION,
    logFilter: env.RUST_LOG,
    unknownKeys,
  };
}

export type ConnectorConfiguration = Awaited<ReturnType<typeof readConnectorConfiguration>>;
