import { z } from "zod";
import { readableFile, readSecretFiles } from "#lib/protocol/hub-daemon.ts";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";
import { parseLogFilter } from "./log-filter.ts";

const whole = (min: number, max: number, fallback: number) => envValue.integer(min, max).default(fallback);

export const relayEnvSchema = z.object({
  DATABASE_URL: envValue.url("postgresql", "postgres"),
  DATABASE_URL_FILE: readableFile().optional(),
  REDIS_URL: envValue.url("redis", "rediss"),
  REDIS_URL_FILE: readableFile().optional(),
  JWT_PUBLIC_KEY_URL: envValue.url("http", "https"),
  BIND_ADDRESS: envValue.address().default({ host: "0.0.0.0", port: 8081 }),
  METRICS_PORT: envValue.port().default(9090),
  METRICS_BIND: envValue.text().optional(),
  MAX_CONNECTIONS: whole(1, 1_000_000, 10_000),
  REDIS_POOL_SIZE: whole(2, 10_000, 50),
  PERMISSION_CACHE_TTL: whole(0, 86_400, 300),
  OPERATION_HISTORY_TTL: whole(0, 86_400, 600),
  CURSOR_THROTTLE_MS: whole(0, 60_000, 50),
  TYPING_DEBOUNCE_MS: whole(1, 60_000, 500),
  OPERATION_BATCH_SIZE: whole(1, 10_000, 100),
  HEARTBEAT_INTERVAL_SECS: whole(1, 3600, 30),
  HEARTBEAT_TIMEOUT_SECS: whole(1, 7200, 60),
  RELAY_COMMIT_WINDOW_MS: whole(0, 1000, 5),
  RELAY_VERSION: envValue.text().default("0.0.0"),
  FAULT_LATENCY_MS: whole(0, 60_000, 0),
  FAULT_ERROR_RATIO: envValue.ratio().default(0),
  RUST_LOG: z
    .string()
    .default("info")
    .transform((text, context) => {
      try {
        return parseLogFilter(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: `wants levels such as info,relay=debug; ${(error as Error).message}` });
        return z.NEVER;
      }
    }),
  TOKIO_WORKER_THREADS: envValue.text().optional(),
  RUST_BACKTRACE: envValue.text().optional(),
});

export type RelayEnv = z.output<typeof relayEnvSchema>;

/** Variables of the Rust runtime that are accepted, so that manifests written for it start, and that change nothing here. */
export const withoutEffect = ["TOKIO_WORKER_THREADS", "RUST_BACKTRACE"] as const;

export function readRelayEnv(source: Record<string, string | undefined> = process.env): RelayEnv {
  return parseEnvOrExit(relayEnvSchema, readSecretFiles(source, ["DATABASE_URL", "REDIS_URL"]));
}
