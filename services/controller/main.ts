import { connectDatabase } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { openNodePower } from "#lib/domain/recovery/drills/node-power.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { Controller } from "./controller.ts";
import { readEnv } from "./env.ts";
import { openRecoveryOrExit } from "./recovery-env.ts";

const env = readEnv();
const logger = createLogger("controller", env.LOG_LEVEL);
const onConnectionLost = (error: Error) => logger.warn({ err: error }, "a connection to the database was lost");
const db = connectDatabase(env.DATABASE_URL, { maxConnections: 8, onConnectionLost });
const pipeline = new Pipeline(env.DATABASE_URL, { maxConnections: 2, onConnectionLost });
const kubernetes = connectKubernetes({ kubeconfig: env.SWITCHYARD_KUBECONFIG, inCluster: env.inCluster });
const prometheus = env.PROMETHEUS_URL ? new PrometheusClient({ url: env.PROMETHEUS_URL }) : null;
const recovery = { ...(await openRecoveryOrExit(env)), ownDatabaseUrl: env.DATABASE_URL };
const controller = new Controller(
  { db, kubernetes, prometheus, clock: () => new Date(), logger },
  {
    pipeline,
    scrapeSeconds: env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS,
    recovery,
    nodePower: env.SWITCHYARD_NODE_POWER === undefined ? null : openNodePower(env.SWITCHYARD_NODE_POWER),
    notifications: { sealer: new Sealer(env.SWITCHYARD_ENCRYPTION_KEY), baseUrl: env.SWITCHYARD_URL },
  },
);
const server = new HealthServer(controller.handlers(), (error) => logger.error({ err: error }, "the health server failed"));

onShutdown({
  logger,
  timeoutMs: 15_000,
  parts: [
    { name: "controller", stop: () => controller.stop() },
    { name: "health server", stop: () => server.stop() },
    { name: "kubernetes", stop: () => kubernetes.close() },
    { name: "database", stop: () => Promise.all([pipeline.end(), db.$disconnect()]) },
  ],
});

const { host, port } = env.CONTROLLER_ADDRESS;
const address = await server.listen(host, port);
controller.start();
logger.info({ address: `${address.address}:${address.port}`, cluster: kubernetes.server }, "started");
