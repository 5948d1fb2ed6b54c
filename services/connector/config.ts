import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parse } from "smol-toml";
import { z } from "zod";
import { pemFile, readableFile, readSecretFiles, rustLogLevel } from "#lib/protocol/hub-daemon.ts";
import { EnvError, envValue, parseEnv } from "#lib/runtime/env.ts";
import { isAddressBlock } from "./allow-list.ts";

const defaultPath = "/etc/my-connector/config.toml";

const schema = z
  .object({
    MATRIX_HOST: envValue.address(),
    MATRIX_API_URL: envValue.url("https", "http").optional(),
    MATRIX_TENANT_ID: envValue.text(),
    MATRIX_AUTH_TOKEN: z.string("wants the token that the hub asks for, or MATRIX_AUTH_TOKEN_FILE"),
    MATRIX_AUTH_TOKEN_FILE: readableFile().optional(),
    MATRIX_CA_FILE: pemFile().optional(),
    MATRIX_CLIENT_CERT_FILE: pemFile().optional(),
    MATRIX_CLIENT_KEY_FILE: pemFile().optional(),
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
    CONNECTOR_DRAIN_TIMEOUT_MS: envValue.integer(0, 600_000).prefault("30000"),
    CONNECTOR_BREAKER_FAILURES: envValue.integer(1, 1000).prefault("5"),
    CONNECTOR_BREAKER_OPEN_MS: envValue.integer(1, 3_600_000).prefault("30000"),
    HEALTH_ADDRESS: envValue.address().prefault("0.0.0.0:8080"),
    LOCAL_ADDRESS: z.union([z.ipv4(), z.ipv6()], "wants an IP address of this machine").optional(),
    SERVICE_VERSION: envValue.text().default("dev"),
    RUST_LOG: rustLogLevel().prefault("info"),
    LOG_FORMAT: z.literal("json", "wants json, the only format").default("json"),
  })
  .refine((env) => !env.MATRIX_CLIENT_CERT_FILE === !env.MATRIX_CLIENT_KEY_FILE, {
    path: ["MATRIX_CLIENT_CERT_FILE"],
    message: "wants MATRIX_CLIENT_KEY_FILE set too, or neither",
    when: () => true,
  });

/** Where the file's settings stand, by the variable that overrides each. */
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

/**
 * The connector's settings from the TOML file at CONFIG_PATH and from variables, which win. Only the file at the default path may
 * be missing. Throws EnvError with a line for each bad setting, under the name of its variable.
 */
export function loadConnectorConfig(source: Record<string, string | undefined>) {
  const set = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value !== ""));
  const { values, unknownKeys } = readConfigFile(set.CONFIG_PATH);
  const env = parseEnv(schema, readSecretFiles({ ...values, ...set }, ["MATRIX_AUTH_TOKEN"]));
  return {
    hub: env.MATRIX_HOST,
    apiUrl: env.MATRIX_API_URL,
    tenant: env.MATRIX_TENANT_ID,
    instance: env.INSTANCE_ID,
    token: env.MATRIX_AUTH_TOKEN,
    tls: env.USE_TLS && { ca: env.MATRIX_CA_FILE, cert: env.MATRIX_CLIENT_CERT_FILE, key: env.MATRIX_CLIENT_KEY_FILE },
    maxConcurrentScans: env.MAX_CONCURRENT_SCANS,
    timeoutMs: env.TIMEOUT_SECONDS * 1000,
    allow: env.CONNECTOR_ALLOW,
    maxSockets: env.CONNECTOR_MAX_SOCKETS,
    drainTimeoutMs: env.CONNECTOR_DRAIN_TIMEOUT_MS,
    breaker: { failures: env.CONNECTOR_BREAKER_FAILURES, openMs: env.CONNECTOR_BREAKER_OPEN_MS },
    health: env.HEALTH_ADDRESS,
    localAddress: env.LOCAL_ADDRESS,
    version: env.SERVICE_VERSION,
    logLevel: env.RUST_LOG,
    unknownKeys,
  };
}

function readConfigFile(path = defaultPath): { values: Record<string, string>; unknownKeys: string[] } {
  const values: Record<string, string> = {};
  const unknownKeys: string[] = [];
  const sections = readToml(path);
  for (const [section, settings] of Object.entries(sections)) {
    const entries = typeof settings === "object" && settings !== null ? Object.entries(settings) : [["", settings]];
    for (const [key, value] of entries) {
      const name = fileKeys[`${section}.${key}`];
      if (name) values[name] = Array.isArray(value) ? value.join(",") : String(value);
      else unknownKeys.push(`${section}.${key}`);
    }
  }
  return { values, unknownKeys };
}

function readToml(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (path === defaultPath && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new EnvError(`CONFIG_PATH: got ${JSON.stringify(path)}; wants a TOML file (${reason})`);
  }
}
