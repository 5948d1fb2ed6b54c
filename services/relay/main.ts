import { randomUUID } from "node:crypto";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createPool } from "./database.ts";
import { readRelayEnv, withoutEffect } from "./env.ts";
import { levelFor } from "./log-filter.ts";
import { Relay } from "./relay.ts";

const env = readRelayEnv();
const root = createLogger("relay", levelFor(env.RUST_LOG, "relay"));
const loggerFor = (target: string) => root.child({ target }, { level: levelFor(env.RUST_LOG, target) });
const logger = loggerFor("relay::main");

for (const name of withoutEffect) {
  if (env[name] !== undefined) logger.info({ variable: name, value: env[name] }, "this variable is accepted and has no effect");
}

const pool = createPool(env.DATABASE_URL, loggerFor("relay::database"));
const relay = new Relay({ env, pool, replica: randomUUID(), loggerFor });
const metricsServer = new HealthServer({ "/metrics": () => relay.metricsAnswer() }, (error) =>
  logger.error({ err: error }, "a request failed"),
);

onShutdown({
  logger,
  timeoutMs: 45_000,
  parts: [
    { name: "relay", stop: () => relay.stop() },
    { name: "metrics", stop: () => metricsServer.stop() },
    { name: "database", stop: () => pool.end() },
  ],
});

const address = await relay.start();
const metricsAddress = await metricsServer.listen(env.METRICS_BIND ?? env.BIND_ADDRESS.host, env.METRICS_PORT);
logger.info({ address, metricsAddress, version: env.RELAY_VERSION }, "the relay is listening");
