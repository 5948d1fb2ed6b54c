import { guardBreaker } from "#lib/protocol/breaker-admin.ts";
import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { DurableBuffer } from "./durable-buffer.ts";
import { readEdgeConfiguration } from "./env.ts";
import { HostSensor } from "./host-sensor.ts";
import { createHubLink } from "./hub-link.ts";
import { createKeeper } from "./keeper.ts";
import { EdgeMetrics } from "./metrics.ts";
import { OfflineBuffer } from "./offline-buffer.ts";
import { SensorSocket } from "./sensor-socket.ts";

const env = await configureOrExit(readEdgeConfiguration);
if (process.argv[2] === "health") await runHealthCommand(env.health);

const { tenant, instance, version } = env;
const logger = createLoggers("edge", env.logFilter)("edge");
reportUnused(env.unknownKeys, logger);
const metrics = new EdgeMetrics(version);
const { bufferFolder: folder, bufferSize: size, bufferBytes: maxBytes, fsync } = env;
const onKept = () => {
  metrics.buffer(buffer);
  upstream.wake();
};
const onNotKept = (reason: string) => metrics.notKept.inc({ reason });
const durable = folder ? await DurableBuffer.openOrExit({ folder, size, maxBytes, fsync, logger, onKept, onNotKept }) : undefined;
const buffer = durable ?? new OfflineBuffer(size, maxBytes);

const { client, upstream, credentials } = createHubLink({ env, buffer, metrics, logger });
const keeper = createKeeper({ buffer, durable, onKept, onTaken: (count) => metrics.readings.inc(count), faults: env.faults });
const sensors = new SensorSocket({
  path: env.localSocket,
  ...keeper,
  onRefused: () => metrics.refused.inc(),
  watch: env.sensorWatch,
  logger,
});
const hostSensor = new HostSensor(env.localSocket, env.hostSensorIntervalMs);
const { registry } = metrics;
const guarded = guardBreaker(env.adminToken, client);
const health = createHealthServer({ registry, isReady: () => sensors.isListening, readyBody: "READY", logger, guarded });

onShutdown({
  logger,
  parts: [
    { name: "host sensor", stop: () => hostSensor.stop() },
    { name: "sensors", stop: () => sensors.stop() },
    { name: "buffer", stop: () => upstream.flush(env.drainTimeoutMs) },
    { name: "disk", stop: () => durable?.close() },
    { name: "hub client", stop: () => client.stop() },
    { name: "health", stop: () => health.stop() },
  ],
  timeoutMs: env.drainTimeoutMs + 10_000,
});
metrics.buffer(buffer);
const healthAddress = await health.listen(env.health.host, env.health.port);
await sensors.listen();
if (env.hostSensorIntervalMs > 0) hostSensor.start();
credentials.start(env.credentialsCheckMs);
client.start();
logger.info({ version, tenant, instance, hubs: env.hubs, healthAddress, startMs: Math.round(performance.now()) }, "started");
