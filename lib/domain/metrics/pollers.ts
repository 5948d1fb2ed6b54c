import type { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import type { Database } from "#lib/database/client.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { FleetStore } from "../fleet/live.ts";
import type { FeedName } from "../fleet/schemas.ts";
import { queryFleetFigures, queryInstanceFigures } from "./figures.ts";

export type PollerOptions = {
  fleet: FleetStore;
  db: Database;
  prometheus: PrometheusClient | null;
  alertmanager: AlertmanagerClient | null;
  /** What to do to get a part that is not connected. */
  hints: { prometheus: string | null; alertmanager: string | null };
  scrapeSeconds: number;
  logger: Logger;
};

const intervalMs = 5_000;

/** Loops that keep the states of the outside systems, and the figures of the fleet while someone looks. */
export function startPollers({ fleet, db, prometheus, alertmanager, hints, scrapeSeconds, logger }: PollerOptions): Loop[] {
  if (!prometheus) fleet.setFeed({ name: "prometheus", state: "not-connected", lastError: null, hint: hints.prometheus });
  if (!alertmanager) fleet.setFeed({ name: "alertmanager", state: "not-connected", lastError: null, hint: hints.alertmanager });

  const onceConnected = new Set<FeedName>();

  /** What never answered is not connected, with what to do about it; what answered once and no longer does is stale. */
  async function watchFeed(name: FeedName, check: () => Promise<unknown>): Promise<void> {
    try {
      await check();
      onceConnected.add(name);
      fleet.setFeed({ name, state: "connected", lastError: null, hint: null });
    } catch (error) {
      const lastError = error instanceof Error ? error.message : String(error);
      const hint = name === "prometheus" || name === "alertmanager" ? hints[name] : null;
      fleet.setFeed({ name, state: onceConnected.has(name) ? "stale" : "not-connected", lastError, hint });
    }
  }

  async function readFigures(client: PrometheusClient): Promise<void> {
    if (fleet.viewers === 0) {
      await client.query("vector(1)");
      return;
    }
    fleet.setFigures(completeFigures(fleet, await queryFleetFigures(client, scrapeSeconds)));
    for (const id of fleet.watchedServices()) fleet.setInstanceFigures(id, await queryInstanceFigures(client, id, scrapeSeconds));
  }

  const passes: [string, () => Promise<void>][] = [["database", () => watchFeed("database", () => db.$queryRaw`SELECT 1`)]];
  if (prometheus) passes.push(["prometheus", () => watchFeed("prometheus", () => readFigures(prometheus))]);
  if (alertmanager) passes.push(["alertmanager", () => watchFeed("alertmanager", () => alertmanager.checkReady())]);
  const loops = passes.map(([name, pass]) => new Loop({ name, intervalMs, pass, logger }));
  for (const loop of loops) loop.start();
  fleet.whenFiguresWanted(() => {
    for (const loop of loops) loop.wake();
  });
  return loops;
}

/** A service that Prometheus says nothing about has no figures, rather than its last ones. */
function completeFigures(fleet: FleetStore, figures: Awaited<ReturnType<typeof queryFleetFigures>>) {
  const none = { requestsPerSecond: null, errorRatio: null, latencyP95Seconds: null };
  return Object.fromEntries(fleet.listServices().map(({ id }) => [id, figures[id] ?? none]));
}
