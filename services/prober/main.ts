import { configureOrExit, readConfiguration, reportUnused } from "#lib/runtime/configuration.ts";
import { runHealthCommand } from "#lib/runtime/health-command.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { DrillRate } from "./drill-rate.ts";
import { proberConfiguration } from "./env.ts";
import { HubProbe } from "./hub-probe.ts";
import { ProbeMetrics } from "./metrics.ts";
import type { Probe } from "./probe.ts";
import { RelayProbe } from "./relay-probe.ts";

const { settings: env, unknownKeys } = await configureOrExit((given) => readConfiguration(proberConfiguration, given));
if (process.argv[2] === "health") await runHealthCommand(env.BIND_ADDRESS);

const logger = createLogger("prober", env.LOG_LEVEL);
reportUnused(unknownKeys, logger);
const metrics = new ProbeMetrics();
const localAddress = env.LOCAL_ADDRESS ?? env.POD_IP;

const relayProbe = new RelayProbe({
  relayUrl: env.RELAY_URL,
  issuerUrl: env.ISSUER_URL,
  clientSecret: env.ISSUER_CLIENT_SECRET,
  clients: env.PROBER_CLIENTS,
  rateHz: env.PROBER_RATE_HZ,
  reconnectSeconds: env.PROBER_RECONNECT_SECONDS,
  localAddress,
  metrics,
  logger: logger.child({ probe: "relay" }),
});
const probes: Probe[] = [relayProbe];
if (env.PROBER_RATE_FILE) {
  probes.push(new DrillRate({ path: env.PROBER_RATE_FILE, usualHz: env.PROBER_RATE_HZ, probe: relayProbe, logger }));
}
if (env.HUB_ADDRESS && env.HUB_AUTH_TOKEN) {
  probes.push(
    new HubProbe({
      hub: env.HUB_ADDRESS,
      token: env.HUB_AUTH_TOKEN,
      tls: { ca: env.HUB_CA_FILE },
      tenant: env.TENANT_ID,
      instance: env.INSTANCE_ID,
      version: env.SERVICE_VERSION,
      reconnectSeconds: env.PROBER_RECONNECT_SECONDS,
      localAddress,
      metrics,
      logger: logger.child({ probe: "hub" }),
    }),
  );
}

let isReady = false;
const health = new HealthServer(
  {
    "/health": () => ({
      status: 200,
      body: { status: "healthy", version: env.SERVICE_VERSION, uptime_seconds: Math.floor(process.uptime()) },
    }),
    "/ready": () => ({ status: isReady ? 200 : 503, body: { status: isReady ? "ready" : "not_ready" } }),
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
