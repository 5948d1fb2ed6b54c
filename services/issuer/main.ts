import { configureOrExit, readConfiguration, reportUnused } from "#lib/runtime/configuration.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { issuerConfiguration } from "./env.ts";
import { KeyRing } from "./key-ring.ts";
import { IssuerMetrics } from "./metrics.ts";
import { IssuerServer } from "./server.ts";

const { settings: env, unknownKeys } = await configureOrExit((given) => readConfiguration(issuerConfiguration, given));
if (process.argv[2] === "health") await runHealthCommand(env.BIND_ADDRESS);

const logger = createLogger("issuer", env.LOG_LEVEL);
reportUnused(unknownKeys, logger);
const keys = new KeyRing({ rotateSeconds: env.ISSUER_ROTATE_SECONDS, directory: env.ISSUER_DATA_DIR, logger });
const server = new IssuerServer({
  keys,
  metrics: new IssuerMetrics(() => keys.count),
  clientSecret: env.ISSUER_CLIENT_SECRET,
  version: env.SERVICE_VERSION,
  faults: createFaults({ latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO }),
  logger,
});

onShutdown({
  logger,
  timeoutMs: 10_000,
  parts: [
    { name: "server", stop: () => server.stop() },
    { name: "keys", stop: () => keys.stop() },
  ],
});

await keys.start();
const address = await server.listen(env.BIND_ADDRESS.host, env.BIND_ADDRESS.port);
logger.info({ address, version: env.SERVICE_VERSION }, "the issuer is listening");
