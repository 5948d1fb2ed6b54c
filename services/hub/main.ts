import { writeFileSync } from "node:fs";
import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers, type Logger } from "#lib/runtime/logger.ts";
import { ScanDispatcher } from "./dispatcher.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { type HubEnv, readHubConfiguration } from "./env.ts";
import { HubMetrics } from "./metrics.ts";
import { HubServer } from "./server.ts";

const env = await configureOrExit(readHubConfiguration);
if (process.argv[2] === "health") await runHealthCommand(env.health);

const logger = createLoggers("hub", env.logFilter)("hub");
reportUnused(env.unknownKeys, logger);
const certificate = env.certificate ?? (await makeCertificate(env, logger));
const metrics = new HubMetrics(env.version, certificate.cert);
const dispatcher = new ScanDispatcher({
  queueSize: env.scanQueueSize,
  onChange: (running, waiting) => {
    metrics.scansRunning.set(running);
    metrics.scansWaiting.set(waiting);
  },
});
const { name, version, token, limits, clientCa } = env;
const ledger = new EdgeLedger();
const hub = new HubServer({ name, version, token, limits, clientCa, ...certificate, dispatcher, ledger, metrics, logger });
const health = createHealthServer({ registry: metrics.registry, isReady: () => hub.isListening, readyBody: "READY", logger });

onShutdown({
  logger,
  parts: [
    { name: "hub", stop: () => hub.stop(env.drainTimeoutMs) },
    { name: "health", stop: () => health.stop() },
  ],
  timeoutMs: env.drainTimeoutMs + 10_000,
});
const healthAddress = await health.listen(env.health.host, env.health.port);
const address = await hub.listen(env.bind.host, env.bind.port);
logger.info({ version, address, healthAddress, startMs: Math.round(performance.now()) }, "the hub is ready");

async function makeCertificate(
  { selfSigned: { names, certFile } }: HubEnv,
  logger: Logger,
): Promise<{ cert: string; key: string }> {
  // Loaded only here: a hub that has its certificate from files does without the library's memory.
  const { createSelfSignedCertificate } = await import("#lib/runtime/certificates.ts");
  const made = await createSelfSignedCertificate(names);
  if (certFile) writeFileSync(certFile, made.cert);
  logger.warn(
    { names, certFile },
    "HUB_SELF_SIGNED: this certificate was made at start and is trusted by nobody; it is for trying out, not for production",
  );
  return made;
}
