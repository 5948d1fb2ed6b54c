import { z } from "zod";
import { type Configuration, logFilter } from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";
import { faultSettings } from "#lib/runtime/faults.ts";

const whole = (min: number, max: number, fallback: number) => envValue.integer(min, max).default(fallback);

const schema = z.object({
  DATABASE_URL: envValue.url("postgresql", "postgres"),
  REDIS_URL: envValue.url("redis", "rediss"),
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
  RELAY_COMMIT_WINDOW_MS: whole(0, 1000, 1),
  RELAY_UPGRADES_PER_SECOND: whole(1, 1_000_000, 2000),
  RELAY_USER_CONNECTIONS: whole(1, 1_000_000, 1000),
  RELAY_CONNECTION_MESSAGES_PER_SECOND: whole(1, 1_000_000, 1000),
  RELAY_USER_MESSAGES_PER_SECOND: whole(1, 1_000_000, 20_000),
  RELAY_REDIS_PATIENCE_MS: whole(0, 60_000, 3000),
  RELAY_VERSION: envValue.text().default("0.0.0"),
  ...faultSettings,
  RUST_LOG: logFilter().prefault("info"),
});

/** What the `migrate` subcommand needs: a Job has neither Redis nor keys. */
export const migrationConfiguration = {
  schema: schema.pick({ DATABASE_URL: true, RUST_LOG: true }),
  secrets: ["DATABASE_URL"],
} satisfies Configuration<z.ZodObject>;

export type RelayEnv = z.output<typeof schema>;

/** The relay's settings are used under the names of their variables. */
export const relayConfiguration = { schema, secrets: ["DATABASE_URL", "REDIS_URL"] } satisfies Configuration<typeof schema>;
