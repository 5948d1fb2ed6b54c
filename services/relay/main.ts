import { randomUUID } from "node:crypto";
import { configureOrExit, readConfiguration, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { createPool } from "./database.ts";
import { relayConfiguration } from "./env.ts";
import { runMigrateCommand } from "./migrate-command.ts";
import { Relay } from "./relay.ts";

if (process.argv[2] === "migrate") await runMigrateCommand();
const { settings: env, unknownKeys } = await configureOrExit((given) => readConfiguration(relayConfiguration, given));
if (process.argv[2] === "health") await runHealthCommand(env.BIND_ADDRESS);

const loggerFor = createLoggers("relay", env.RUST_LOG);
const logger = loggerFor("relay::main");
reportUnused(unknownKeys, logger);

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
