import { Breaker } from "#lib/protocol/breaker.ts";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { HubCredentials } from "#lib/protocol/hub-credentials.ts";
import { givenToProcess } from "#lib/runtime/configuration.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { type EdgeConfiguration, readEdgeConfiguration } from "./env.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { OfflineBuffer } from "./offline-buffer.ts";
import { Upstream } from "./upstream.ts";

export type HubLinkOptions = { env: EdgeConfiguration; buffer: OfflineBuffer; metrics: EdgeMetrics; logger: Logger };

/** The connection to the hub, and what empties the buffer into it. */
export function createHubLink({ env, buffer, metrics, logger }: HubLinkOptions) {
  const { hubs, tenant, instance, version, localAddress, connectTimeoutMs } = env;
  const credentials = new HubCredentials({
    current: env.credentials,
    read: async () => (await readEdgeConfiguration(givenToProcess())).credentials,
    registry: metrics.registry,
    expiryMetric: "edge_certificate_expiry_timestamp_seconds",
    logger,
  });
  const client = new HubClient({
    hubs,
    hello: { role: "edge", tenant, instance, version, token: credentials.token },
    tls: credentials.tls,
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
    leftovers: env.bufferFolder ? "kept" : "lost",
    client,
    ackTimeoutMs: connectTimeoutMs,
    logger,
    onAcknowledged: (seconds) => {
      metrics.requestSeconds.observe({ operation: "batch" }, seconds);
      metrics.buffer(buffer);
    },
    onFailed: () => metrics.errors.inc(),
  });
  return { client, upstream, credentials };
}
