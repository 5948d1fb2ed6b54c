import { Breaker } from "#lib/protocol/breaker.ts";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { configureOrExit, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { createHealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { DurableBuffer } from "./durable-buffer.ts";
import { readEdgeConfiguration } from "./env.ts";
import { HostSensor } from "./host-sensor.ts";
import { createKeeper } from "./keeper.ts";
import { EdgeMetrics } from "./metrics.ts";
import { OfflineBuffer } from "./offline-buffer.ts";
import { SensorSocket } from "./sensor-socket.ts";
import { Upstream } from "./upstream.ts";

const env = await configureOrExit(readEdgeConfiguration);
if (process.argv[2] === "health") await runHealthCommand(env.health);

const { tenant, instance, version, localAddress, connectTimeoutMs } = env;
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

const client = new HubClient({
  hubs: env.hubs,
  hello: { role: "edge", tenant, instance, version, token: () => env.token },
  tls: env.tls,
  localAddress,
  connectTimeoutMs,
  breaker: new Breaker({ ...env.breaker, onChange: (state) => metrics.breakerState(state) }),
  logger,
  onMessage: (message) => {
    if (message.name === "credit") upstream.grant(message.body);
    else logger.info({ message: message.name }, "the hub sent a notice");
  },
  onConnect: ({ credit }) => {
    metrics.connected(true);
    upstream.connected(credit);
  },
  onDisconnect: () => {
    metrics.connected(false);
    upstream.disconnected();
  },
  onSent: metrics.countSent,
  onReceived: metrics.countReceived,
});
const upstream = new Upstream({
  buffer,
  leftovers: durable ? "kept" : "lost",
  client,
  ackTimeoutMs: connectTimeoutMs,
  logger,
  onAcknowledged: (seconds) => {
    metrics.requestSeconds.observe({ operation: "batch" }, seconds);
    metrics.buffer(buffer);
  },
  onFailed: () => metrics.errors.inc(),
});
const keeper = createKeeper({ buffer, durable, onKept, onTaken: (count) => metrics.readings.inc(count), faults: env.faults });
const sensors = new SensorSocket({
  path: env.localSocket,
  ...keeper,
  onRefused: () => metrics.refused.inc(),
  logger,
});
const hostSensor = new HostSensor(env.localSocket, env.hostSensorIntervalMs);
const { registry } = metrics;
const health = createHealthServer({ registry, isReady: () => sensors.isListening, readyBody: "READY", logger });

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
client.start();
logger.info({ version, tenant, instance, hubs: env.hubs, healthAddress, startMs: Math.round(performance.now()) }, "started");
