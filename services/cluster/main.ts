import { resolve } from "node:path";
import { parseEnvOrExit } from "#lib/runtime/env.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { prometheusMetrics } from "./controllers/autoscaling/prometheus.ts";
import { startControllers } from "./controllers/start.ts";
import { clusterEnv } from "./env.ts";
import { networkOf } from "./network.ts";
import { startServer } from "./server.ts";

const env = parseEnvOrExit(clusterEnv);
const logger = createLogger("cluster", env.LOG_LEVEL);

try {
  const server = await startServer({
    dataDir: env.CLUSTER_DATA_DIR,
    port: env.CLUSTER_PORT,
    namespace: env.CLUSTER_NAMESPACE,
    nodes: env.CLUSTER_NODES,
    network: networkOf(env.CLUSTER_NETWORK),
    metricsIntervalMs: env.CLUSTER_METRICS_SECONDS * 1000,
    logger,
    onFailure(error) {
      logger.fatal({ err: error }, "the data directory cannot be written; stopping, since no write can be acknowledged");
      process.exit(1);
    },
  });
  const clock = { now: () => new Date() };
  const controllers = startControllers({
    cluster: server.cluster,
    logger,
    clock,
    nodeGraceMs: env.CLUSTER_NODE_GRACE_SECONDS * 1000,
    volumesDir: resolve(env.CLUSTER_DATA_DIR, "volumes"),
    autoscaling: {
      sources: {
        resources: server.metrics,
        pods: env.CLUSTER_PROMETHEUS_URL ? prometheusMetrics(env.CLUSTER_PROMETHEUS_URL, server.registry) : undefined,
      },
      periodMs: env.CLUSTER_AUTOSCALER_SECONDS * 1000,
    },
  });
  onShutdown({
    logger,
    parts: [
      { name: "controllers", stop: () => controllers.stop() },
      { name: "server", stop: () => server.stop() },
    ],
    timeoutMs: 10_000,
  });
} catch (error) {
  process.stderr.write(`${startFailure(error)}\n`);
  process.exit(1);
}

function startFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") return `CLUSTER_PORT: port ${env.CLUSTER_PORT} is in use; stop what uses it or choose another one`;
  if (code === "ENOSPC") return `CLUSTER_DATA_DIR: the disk of ${env.CLUSTER_DATA_DIR} is full`;
  return `the API server could not start: ${message}`;
}
