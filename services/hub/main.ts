import { writeFileSync } from "node:fs";
import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers, type Logger } from "#lib/runtime/logger.ts";
import { CertificateReloader } from "./certificate.ts";
import { ScanDispatcher } from "./dispatcher.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { type HubEnv, readHubConfiguration } from "./env.ts";
import { JobRunner } from "./jobs.ts";
import { MemoryJobs, MemoryStreams } from "./memory-state.ts";
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
const state = await openState(env, logger, (accepted) => metrics.edgeStored.set(accepted));
const ledger = new EdgeLedger(state.streams, ({ accepted }) => metrics.edgeStored.set(accepted));
const jobs = new JobRunner({
  store: state.jobs,
  dispatcher,
  queueSize: env.scanQueueSize,
  leaseMs: env.leaseMs,
  logger,
  onEnd: (result) => metrics.jobs.inc({ result }),
});
const hub = new HubServer({ name, version, token, limits, clientCa, ...certificate, dispatcher, jobs, ledger, metrics, logger });
const reloader =
  env.certificateFiles &&
  new CertificateReloader({
    files: env.certificateFiles,
    current: { ...certificate, clientCa },
    use: (renewed) => hub.setCertificate(renewed),
    logger,
  });
const health = createHealthServer({ registry: metrics.registry, isReady: () => hub.isListening, readyBody: "READY", logger });

reloader?.start(env.certificateCheckMs);
process.on("SIGHUP", () => void reloader?.reload());
onShutdown({
  logger,
  parts: [
    { name: "hub", stop: () => hub.stop(env.drainTimeoutMs) },
    { name: "jobs", stop: () => jobs.stop() },
    { name: "state", stop: state.close },
    { name: "health", stop: () => health.stop() },
  ],
  timeoutMs: env.drainTimeoutMs + 10_000,
});
jobs.start();
const healthAddress = await health.listen(env.health.host, env.health.port);
const address = await hub.listen(env.bind.host, env.bind.port);
logger.info({ version, address, healthAddress, startMs: Math.round(performance.now()) }, "the hub is ready");

/** Loads the library of Redis only when there is one. */
async function openState({ redisUrl }: HubEnv, logger: Logger, onAccepted: (accepted: number) => void) {
  if (!redisUrl) return { jobs: new MemoryJobs(), streams: new MemoryStreams(), close: () => {} };
  const { connectRedis, RedisJobs, RedisStreams } = await import("./redis-state.ts");
  const redis = connectRedis(redisUrl, logger);
  const streams = new RedisStreams(redis);
  redis.on("ready", () => {
    streams.totals().then(
      ({ accepted }) => onAccepted(accepted),
      () => {},
    );
  });
  return { jobs: new RedisJobs(redis), streams, close: () => redis.disconnect() };
}

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
