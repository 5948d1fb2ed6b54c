import { HubCredentials } from "#lib/protocol/hub-credentials.ts";
import { givenToProcess, readConfiguration } from "#lib/runtime/configuration.ts";
import { CredentialReloader } from "#lib/runtime/credentials.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { DrillRate } from "./drill-rate.ts";
import { type ProberEnv, proberConfiguration } from "./env.ts";
import { HubProbe } from "./hub-probe.ts";
import type { ProbeMetrics } from "./metrics.ts";
import type { Probe } from "./probe.ts";
import { RelayProbe } from "./relay-probe.ts";
import { StoredReadings } from "./stored-readings.ts";

const readBackTimeoutMs = 5_000;

/** The probes that the settings ask for. */
export function openProbes(env: ProberEnv, metrics: ProbeMetrics, logger: Logger): Probe[] {
  const secrets = renewSecrets(env, logger);
  const relayProbe = new RelayProbe({
    relayUrl: env.RELAY_URL,
    issuerUrl: env.ISSUER_URL,
    clientSecret: secrets.issuer,
    clients: env.PROBER_CLIENTS,
    rateHz: env.PROBER_RATE_HZ,
    reconnectSeconds: env.PROBER_RECONNECT_SECONDS,
    localAddress: env.LOCAL_ADDRESS ?? env.POD_IP,
    metrics,
    logger: logger.child({ probe: "relay" }),
  });
  const probes: Probe[] = [relayProbe];
  if (env.PROBER_RATE_FILE) {
    probes.push(new DrillRate({ path: env.PROBER_RATE_FILE, usualHz: env.PROBER_RATE_HZ, probe: relayProbe, logger }));
  }
  const hubLogger = logger.child({ probe: "hub" });
  if (env.HUB_ADDRESS) probes.push(openHubProbe(env, env.HUB_ADDRESS, secrets.hubAdmin, metrics, hubLogger));
  return probes;
}

function openHubProbe(
  env: ProberEnv,
  hub: { host: string; port: number },
  adminToken: () => string,
  metrics: ProbeMetrics,
  logger: Logger,
): Probe {
  const credentials = new HubCredentials({
    current: hubSecrets(env),
    read: async () => hubSecrets(await readAgain()),
    registry: metrics.registry,
    expiryMetric: "prober_certificate_expiry_timestamp_seconds",
    logger,
  });
  credentials.start(env.PROBER_CERTIFICATE_CHECK_MS);
  const { token, tls } = credentials;
  const localAddress = env.LOCAL_ADDRESS ?? env.POD_IP;
  const timeoutMs = readBackTimeoutMs;
  const url = env.HUB_ADMIN_URL;
  return new HubProbe({
    hub,
    token,
    tls,
    tenant: env.TENANT_ID,
    instance: env.INSTANCE_ID,
    version: env.SERVICE_VERSION,
    sensorSocket: env.PROBER_SENSOR_SOCKET,
    stored: url ? new StoredReadings({ url: url.toString(), token: adminToken, tls, localAddress, timeoutMs }) : undefined,
    scanHz: env.PROBER_HUB_SCAN_RATE_HZ,
    messageHz: env.PROBER_HUB_MESSAGE_RATE_HZ,
    reconnectSeconds: env.PROBER_RECONNECT_SECONDS,
    localAddress,
    metrics,
    logger,
  });
}

async function readAgain(): Promise<ProberEnv> {
  return (await readConfiguration(proberConfiguration, givenToProcess())).settings;
}

function hubSecrets(env: ProberEnv) {
  const tls = { ca: env.HUB_CA_FILE, cert: env.HUB_CLIENT_CERT_FILE, key: env.HUB_CLIENT_KEY_FILE };
  return { token: env.HUB_AUTH_TOKEN ?? "", tls };
}

/** What is shown to the issuer and to the hub's admin API, renewed as certificates are. */
function renewSecrets(env: ProberEnv, logger: Logger): { issuer: () => string; hubAdmin: () => string } {
  const secretsOf = ({ ISSUER_CLIENT_SECRET: issuer, HUB_ADMIN_TOKEN: hubAdmin = "" }: ProberEnv) => ({ issuer, hubAdmin });
  let current = secretsOf(env);
  const use = (renewed: typeof current) => {
    current = renewed;
  };
  const reloader = new CredentialReloader({ current, read: async () => secretsOf(await readAgain()), use, logger });
  reloader.start(env.PROBER_CERTIFICATE_CHECK_MS);
  return { issuer: () => current.issuer, hubAdmin: () => current.hubAdmin };
}
