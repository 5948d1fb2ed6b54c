import { configureOrExit, readConfiguration, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { proberConfiguration } from "./env.ts";
import { ProbeMetrics } from "./metrics.ts";
import { answerObservations } from "./observations.ts";
import { openProbes } from "./open-probes.ts";

const { settings: env, unknownKeys } = await configureOrExit((given) => readConfiguration(proberConfiguration, given));
if (process.argv[2] === "health") await runHealthCommand(env.BIND_ADDRESS);

const logger = createLogger("prober", env.LOG_LEVEL);
reportUnused(unknownKeys, logger);
const metrics = new ProbeMetrics();
const probes = openProbes(env, metrics, logger);

let isReady = false;
const health = new HealthServer(
  {
    "/health": () => ({
      status: 200,
      body: { status: "healthy", version: env.SERVICE_VERSION, uptime_seconds: Math.floor(process.uptime()) },
    }),
    "/ready": () => ({ status: isReady ? 200 : 503, body: { status: isReady ? "ready" : "not_ready" } }),
    "/observations": (query) => answerObservations(metrics.observations, query),
    "/metrics": async () => ({ status: 200, body: await metrics.registry.metrics(), contentType: metrics.registry.contentType }),
  },
  (error) => logger.error({ err: error }, "a request failed"),
);

onShutdown({
  logger,
  timeoutMs: 15_000,
  parts: [
    ...probes.map((probe) => ({
      name: probe.name,
      stop: () => {
        isReady = false;
        return probe.stop();
      },
    })),
    { name: "health", stop: () => health.stop() },
  ],
});

const address = await health.listen(env.BIND_ADDRESS.host, env.BIND_ADDRESS.port);
await Promise.all(probes.map((probe) => probe.start()));
isReady = true;
logger.info({ address, probes: probes.map(({ name }) => name), version: env.SERVICE_VERSION }, "the prober is running");
