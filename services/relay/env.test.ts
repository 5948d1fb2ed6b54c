import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readConfiguration } from "#lib/runtime/configuration.ts";
import { relayConfiguration } from "./env.ts";

const required = {
  DATABASE_URL: "postgresql://user:pass@host:5432/relay",
  REDIS_URL: "redis://host:6379",
  JWT_PUBLIC_KEY_URL: "https://shield.example/.well-known/jwks.json",
};

it("the defaults are those of the guide", async () => {
  const { settings } = await readConfiguration(relayConfiguration, { variables: required });
  expect(settings).toMatchObject({
    BIND_ADDRESS: { host: "0.0.0.0", port: 8081 },
    MAX_CONNECTIONS: 10_000,
    METRICS_PORT: 9090,
    REDIS_POOL_SIZE: 50,
    PERMISSION_CACHE_TTL: 300,
    OPERATION_HISTORY_TTL: 600,
    CURSOR_THROTTLE_MS: 50,
    TYPING_DEBOUNCE_MS: 500,
    OPERATION_BATCH_SIZE: 100,
    HEARTBEAT_INTERVAL_SECS: 30,
    HEARTBEAT_TIMEOUT_SECS: 60,
  });
});

it("settings come from a file too, secrets also from files of their own, and variables win", async () => {
  const folder = mkdtempSync(join(tmpdir(), "relay-"));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  try {
    const toml = `max_connections = 7\noperation_batch_size = 3\n[redis]\nurl = "redis://of-the-file:1"\n`;
    const { settings, unknownKeys } = await readConfiguration(relayConfiguration, {
      variables: {
        JWT_PUBLIC_KEY_URL: required.JWT_PUBLIC_KEY_URL,
        DATABASE_URL_FILE: write("database-url", `${required.DATABASE_URL}\n`),
        CONFIG_PATH: write("relay.toml", `${toml}[other]\nkey = 1\n`),
        OPERATION_BATCH_SIZE: "4",
      },
    });
    expect(settings).toMatchObject({
      DATABASE_URL: required.DATABASE_URL,
      REDIS_URL: "redis://of-the-file:1",
      MAX_CONNECTIONS: 7,
      OPERATION_BATCH_SIZE: 4,
    });
    expect(unknownKeys).toEqual(["other.key"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
