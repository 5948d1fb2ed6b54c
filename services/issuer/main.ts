import { configureOrExit, readConfiguration, reportUnused } from "#lib/runtime/configuration.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { issuerConfiguration } from "./env.ts";
import { KeyRing } from "./key-ring.ts";
import { IssuerMetrics } from "./metrics.ts";
import { IssuerServer } from "./server.ts";

const { settings: env, unknownKeys } = await configureOrExit((given) => readConfiguration(issuerConfiguration, given));
if (process.argv[2] === "health") await runHealthCommand(env.HEALTH_ADDRESS);

const logger = createLogger("issuer", env.LOG_LEVEL);
reportUnused(unknownKeys, logger);
const keys = new KeyRing({ rotateSeconds: env.ISSUER_ROTATE_SECONDS, directory: env.ISSUER_DATA_DIR, logger });
const metrics = new IssuerMetrics(() => keys.count);
const server = new IssuerServer({
  keys,
  metrics,
  clientSecret: env.ISSUER_CLIENT_SECRET,
  faults: createFaults({ latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO }),
  logger,
});

const health = new HealthServer(
  {
    "/health": () => ({
      status: 200,
      body: { status: "healthy", version: env.SERVICE_VERSION, uptime_seconds: Math.floor(process.uptime()) },
    }),
    "/ready": () => {
      const isReady = keys.count > 0 && server.isListening;
      const checks = { keys: keys.count > 0 ? "ok" : "error" };
      return { status: isReady ? 200 : 503, body: { status: isReady ? "ready" : "not_ready", checks } };
    },
    "/metrics": async () => ({ status: 200, body: await metrics.registry.metrics(), contentType: metrics.registry.contentType }),
  },
  (error) => logger.error({ err: error }, "a health endpoint failed"),
);

onShutdown({
  logger,
  timeoutMs: 10_000,
  parts: [
    { name: "server", stop: () => server.stop() },
    { name: "keys", stop: () => keys.stop() },
    { name: "health", stop: () => health.stop() },
  ],
});

const healthAddress = await health.listen(env.HEALTH_ADDRESS.host, env.HEALTH_ADDRESS.port);
await keys.start();
const address = await server.listen(env.BIND_ADDRESS.host, env.BIND_ADDRESS.port);
logger.info({ address, healthAddress, version: env.SERVICE_VERSION }, "the issuer is listening");
