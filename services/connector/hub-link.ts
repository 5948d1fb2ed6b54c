import { Breaker } from "#lib/protocol/breaker.ts";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { HubCredentials } from "#lib/protocol/hub-credentials.ts";
import { givenToProcess } from "#lib/runtime/configuration.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { type ConnectorConfiguration, readConnectorConfiguration } from "./config.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { ScanWorker } from "./scan-worker.ts";

export type HubLinkOptions = { config: ConnectorConfiguration; worker: ScanWorker; metrics: ConnectorMetrics; logger: Logger };

/** A hub whose store is away answers when it is back. */
const announceTimeoutMs = 3_600_000;

/** The connection to the hub, and what is shown to it. */
export function createHubLink({ config, worker, metrics, logger }: HubLinkOptions) {
  const { tenant, instance, version, maxConcurrentScans: capacity } = config;
  const credentials = new HubCredentials({
    current: config.credentials,
    read: async () => (await readConnectorConfiguration(givenToProcess())).credentials,
    registry: metrics.registry,
    expiryMetric: "connector_certificate_expiry_timestamp_seconds",
    logger,
  });
  const client = new HubClient({
    hubs: config.hubs,
    hello: { role: "connector", tenant, instance, version, capacity, token: credentials.token },
    tls: credentials.tls,
    localAddress: config.localAddress,
    breaker: new Breaker(config.breaker),
    logger,
    onMessage: (message, connection) => worker.receive(message, connection),
    onConnect: () => {
      metrics.connected(true);
      const told = worker.announce((message) => client.request(message, { timeoutMs: announceTimeoutMs }));
      told.catch((error: Error) => logger.info({ reason: error.message }, "the hub was not told of the jobs here"));
    },
    onDisconnect: () => metrics.connected(false),
    onSent: metrics.countSent,
    onReceived: metrics.countReceived,
  });
  return { client, credentials };
}
