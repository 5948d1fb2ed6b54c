import { HubCredentials } from "#lib/protocol/hub-credentials.ts";
import { givenToProcess } from "#lib/runtime/configuration.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { type HubEnv, readHubConfiguration } from "./env.ts";
import type { HubMetrics } from "./metrics.ts";
import { HubUpstream } from "./upstream.ts";

type Settings = Pick<HubEnv, "upstream" | "certificateCheckMs" | "name" | "version">;

/** The way to the central hub, where there is one; what is shown to it is renewed as the hub's own certificate is. */
export function openUpstream({ upstream, certificateCheckMs, name, version }: Settings, metrics: HubMetrics, logger: Logger) {
  if (!upstream) return undefined;
  const { hubs, timeoutMs, credentials: current } = upstream;
  const credentials = new HubCredentials({
    current,
    read: async () => (await readHubConfiguration(givenToProcess())).upstream?.credentials ?? current,
    registry: metrics.registry,
    expiryMetric: "hub_upstream_certificate_expiry_timestamp_seconds",
    logger,
  });
  credentials.start(certificateCheckMs);
  return new HubUpstream({ hubs, timeoutMs, name, version, token: credentials.token, tls: credentials.tls, logger });
}
