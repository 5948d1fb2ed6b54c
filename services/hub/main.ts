import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { Intake } from "./batch-intake.ts";
import { createReloader, type HubCertificate, makeCertificate } from "./certificate.ts";
import { ScanDispatcher } from "./dispatcher.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { readHubConfiguration } from "./env.ts";
import { JobRunner } from "./jobs.ts";
import { HubMetrics } from "./metrics.ts";
import { openAdmin } from "./open-admin.ts";
import { openState } from "./open-state.ts";
import { openUpstream } from "./open-upstream.ts";
import { PeerRegistry } from "./peers.ts";
import type { EdgeTotals } from "./readings.ts";
import { HubServer } from "./server.ts";

const env = await configureOrExit(readHubConfiguration);
if (process.argv[2] === "health") await runHealthCommand(env.health);

const logger = createLoggers("hub", env.logFilter)("hub");
reportUnused(env.unknownKeys, logger);
const certificate = env.certificate ?? (await makeCertificate(env.selfSigned, logger));
const metrics = new HubMetrics(env.version, certificate.cert);
const dispatcher = new ScanDispatcher({ onChange: (running) => metrics.scansRunning.set(running) });
const { name, version, token, limits, clientCa } = env;
const onTotals = ({ accepted }: EdgeTotals) => metrics.edgeStored.set(accepted);
const state = await openState(env, logger, onTotals);
const upstream = openUpstream(env, metrics, logger);
const sink = upstream ?? new EdgeLedger(state.readings, { onTotals });
const jobs = new JobRunner({
  store: state.jobs,
  dispatcher,
  queueSize: env.scanQueueSize,
  leaseMs: env.leaseMs,
  logger,
  onEnd: (result) => metrics.jobs.inc({ result }),
  onWaiting: (waiting) => metrics.scansWaiting.set(waiting),
});
const faults = createFaults(env.faults);
const peers = new PeerRegistry({ store: state.peers, hub: name, heartbeatIntervalMs: limits.heartbeatIntervalMs, logger });
const intake = new Intake({ sink, credit: limits.credit, faults, metrics, logger });
const shared = { dispatcher, jobs, intake, peers, faults, metrics, logger };
const hub = new HubServer({ name, version, token, limits, clientCa, ...certificate, ...shared });
const drain = () => hub.stop(env.drainTimeoutMs);
const admin = await openAdmin(env, { certificate, peers, jobs, state, metrics, logger, drain });
const use = (renewed: HubCertificate) => {
  for (const server of [hub, admin]) server?.setCertificate(renewed);
};
const reloader = createReloader({ ...certificate, clientCa }, use, logger);
const health = createHealthServer({ registry: metrics.registry, isReady: () => hub.isListening, readyBody: "READY", logger });

reloader.start(env.certificateCheckMs);
onShutdown({
  logger,
  parts: [
    { name: "hub", stop: drain },
    { name: "upstream", stop: () => upstream?.stop() },
    { name: "jobs", stop: () => jobs.stop() },
    { name: "peers", stop: () => peers.stop() },
    { name: "admin", stop: () => admin?.stop() },
    { name: "state", stop: state.close },
    { name: "health", stop: () => health.stop() },
  ],
  timeoutMs: env.drainTimeoutMs + 10_000,
});
jobs.start();
upstream?.start();
peers.start();
const adminAddress = await admin?.listen();
const healthAddress = await health.listen(env.health.host, env.health.port);
const address = await hub.listen(env.bind.host, env.bind.port);
logger.info({ version, address, healthAddress, adminAddress, startMs: Math.round(performance.now()) }, "the hub is ready");
