import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import { connectDatabase, type Database } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { AlertIngest } from "#lib/domain/alerts/ingest-queue.ts";
import { hintAlerts } from "#lib/domain/alerts/live-hint.ts";
import { startAlertWatch } from "#lib/domain/alerts/live-watch.ts";
import { FleetStore } from "#lib/domain/fleet/live.ts";
import { makeSurroundings, type Surroundings } from "#lib/domain/fleet/surroundings.ts";
import { startFleetWatches } from "#lib/domain/fleet/watches.ts";
import { PanelStore } from "#lib/domain/metrics/panel-store.ts";
import { startPollers } from "#lib/domain/metrics/pollers.ts";
import type { MetricsSettings } from "#lib/domain/metrics/queries.ts";
import { UsageStore } from "#lib/domain/objectives/queries.ts";
import { openNodePower } from "#lib/domain/recovery/drills/node-power.ts";
import type { DrillMeans } from "#lib/domain/recovery/drills/scenarios/scenario.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { createLogger, type Logger } from "#lib/runtime/logger.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { readWebEnv, type WebEnv } from "./env.ts";

/** What the web process has once, whatever the number of viewers. */
export type WebRuntime = {
  env: WebEnv;
  db: Database;
  kubernetes: KubernetesClient;
  prometheus: PrometheusClient | null;
  fleet: FleetStore;
  panels: PanelStore;
  surroundings: Surroundings;
  usage: UsageStore;
  ingest: AlertIngest;
  logger: Logger;
  clock: () => Date;
};

// Next bundles routes, pages and instrumentation apart: only the global object is one for all of them.
const slot = globalThis as typeof globalThis & { switchyardRuntime?: WebRuntime };

/** The runtime of this process, started at the first call. */
export function getRuntime(): WebRuntime {
  slot.switchyardRuntime ??= startRuntime();
  return slot.switchyardRuntime;
}

/** What the charts' queries and commands need of the settings. */
export function metricsSettings(): MetricsSettings {
  const { env } = getRuntime();
  const prometheusUrl = env.PROMETHEUS_EXTERNAL_URL ?? env.PROMETHEUS_URL ?? null;
  return { scrapeSeconds: env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS, prometheusUrl };
}

/** What drills need beside the context: here only to say whether they could begin. */
export function drillMeans(): DrillMeans {
  const { SWITCHYARD_NODE_POWER: power } = getRuntime().env;
  return { nodePower: power === undefined ? null : openNodePower(power) };
}

let sealer: Sealer | undefined;

/** What seals the secrets of notification targets. */
export function getSealer(): Sealer {
  sealer ??= new Sealer(getRuntime().env.SWITCHYARD_ENCRYPTION_KEY);
  return sealer;
}

function startRuntime(): WebRuntime {
  const env = readWebEnv();
  const logger = createLogger("web", env.LOG_LEVEL);
  const clock = () => new Date();
  const onConnectionLost = (error: Error) => logger.warn({ err: error }, "a connection to the database was lost");
  const db = connectDatabase(env.DATABASE_URL, { onConnectionLost });
  // Connections of its own: pages that keep the others busy must not keep alerts out.
  const pipeline = new Pipeline(env.DATABASE_URL, { onConnectionLost });
  const ingest = new AlertIngest({ pipeline, clock, logger, onChange: () => hintAlerts(db) });
  const kubernetes = connectKubernetes({ kubeconfig: env.SWITCHYARD_KUBECONFIG, inCluster: env.inCluster });
  const prometheus = env.PROMETHEUS_URL ? new PrometheusClient({ url: env.PROMETHEUS_URL }) : null;
  const alertmanager = env.ALERTMANAGER_URL ? new AlertmanagerClient({ url: env.ALERTMANAGER_URL }) : null;
  const fleet = new FleetStore({ now: clock });
  const watches = startFleetWatches(kubernetes, fleet, logger);
  const pollers = startPollers({
    fleet,
    db,
    prometheus,
    alertmanager,
    hints: {
      prometheus: env.SWITCHYARD_PROMETHEUS_HINT ?? hintToSet("PROMETHEUS_URL", env.PROMETHEUS_URL),
      alertmanager: env.SWITCHYARD_ALERTMANAGER_HINT ?? hintToSet("ALERTMANAGER_URL", env.ALERTMANAGER_URL),
    },
    scrapeSeconds: env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS,
    logger,
  });
  const alertWatch = startAlertWatch({ db, databaseUrl: env.DATABASE_URL, fleet, logger });
  // Next ends the process by itself; open streams and watches must not keep it waiting.
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      fleet.close();
      void watches.stop();
      void alertWatch.stop();
      for (const poller of pollers) void poller.stop();
    });
  }
  logger.info({ cluster: kubernetes.server }, "started");
  const scrapeSeconds = env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS;
  const usage = new UsageStore(prometheus, clock);
  const surroundings = makeSurroundings({ prometheus, kubernetes, scrapeSeconds, now: clock });
  return {
    env,
    db,
    kubernetes,
    prometheus,
    fleet,
    panels: new PanelStore(prometheus, clock),
    surroundings,
    usage,
    ingest,
    logger,
    clock,
  };
}

/** What is set and does not answer needs no setting. */
function hintToSet(variable: string, value: string | undefined): string | null {
  return value === undefined ? `Set ${variable} and start Switchyard again.` : null;
}
