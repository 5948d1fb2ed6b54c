import { guardBreaker } from "#lib/protocol/breaker-admin.ts";
import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { AllowList } from "./allow-list.ts";
import { readConnectorConfiguration } from "./config.ts";
import { createHubLink } from "./hub-link.ts";
import { ConnectorMetrics } from "./metrics.ts";
import { ScanWorker } from "./scan-worker.ts";
import { Scanner } from "./scanner.ts";

const config = await configureOrExit(readConnectorConfiguration);
if (process.argv[2] === "health") await runHealthCommand(config.health);

const { tenant, instance, version, localAddress, maxConcurrentScans, timeoutMs } = config;
const logger = createLoggers("connector", config.logFilter)("connector");
reportUnused(config.unknownKeys, logger);
if (config.credentials.tls === false) logger.warn("USE_TLS=false: the token and all results go over the network in the clear");

const metrics = new ConnectorMetrics(version);
metrics.scansLimit.set(maxConcurrentScans);
const scanner = new Scanner({ sockets: config.maxSockets, rates: config.rates, localAddress, logger });
const worker = new ScanWorker({
  instance,
  allow: new AllowList(config.allow),
  maxConcurrentScans,
  timeoutMs,
  scanner,
  faults: createFaults(config.faults),
  metrics,
  logger,
});
let stopping = false;
const { client, credentials } = createHubLink({ config, worker, metrics, logger });
const health = createHealthServer({
  registry: metrics.registry,
  isReady: () => client.isConnected && !stopping,
  readyBody: "Ready",
  logger,
  guarded: guardBreaker(config.adminToken, client),
});

async function drain(): Promise<void> {
  stopping = true;
  await worker.drain(config.drainTimeoutMs);
  await client.stop();
  await scanner.stop();
}

onShutdown({
  logger,
  parts: [
    { name: "scans", stop: drain },
    { name: "health", stop: () => health.stop() },
  ],
  timeoutMs: config.drainTimeoutMs + 10_000,
});
const healthAddress = await health.listen(config.health.host, config.health.port);
credentials.start(config.credentialsCheckMs);
client.start();
const { hubs, apiUrl, allow } = config;
logger.info({ version, tenant, instance, hubs, apiUrl, allow, healthAddress, startMs: Math.round(performance.now()) }, "started");
