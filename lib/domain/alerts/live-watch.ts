import type { Database } from "#lib/database/client.ts";
import { Listener } from "#lib/database/listener.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { FleetStore } from "../fleet/live.ts";
import { alertsChannel } from "./live-hint.ts";

export type AlertWatchOptions = {
  db: Database;
  databaseUrl: string;
  fleet: FleetStore;
  logger: Logger;
  pollMs?: number;
  /** In a storm viewers are told at most once in this time. */
  quietMs?: number;
};

/**
 * Tells viewers of this process that alerts changed, whichever process changed them: at once by PostgreSQL's hint, within 5 s
 * by the poll where the hint is lost. Nothing is read while nobody looks.
 */
export function startAlertWatch(options: AlertWatchOptions): { stop: () => Promise<void> } {
  const { db, databaseUrl, fleet, logger, pollMs = 5_000, quietMs = 1_000 } = options;
  let seen: string | null = null;
  let waking: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const loop = new Loop({
    name: "alert-watch",
    intervalMs: pollMs,
    logger,
    pass: async () => {
      lookedAt = performance.now();
      if (fleet.viewers === 0) {
        seen = null;
        return;
      }
      const version = await readAlertsVersion(db);
      if (seen !== version) fleet.touchAlerts();
      seen = version;
    },
  });
  function wakeSoon() {
    waking ??= setTimeout(
      () => {
        waking = undefined;
        loop.wake();
      },
      Math.max(0, lookedAt + quietMs - performance.now()),
    );
  }
  const onLost = (error: Error) => logger.warn({ err: error }, "the database's hints are lost; alerts are polled");
  const listener = new Listener({ url: databaseUrl, channel: alertsChannel, onHint: wakeSoon, onLost });
  loop.start();
  listener.start();
  return {
    stop: async () => {
      clearTimeout(waking);
      await Promise.all([listener.stop(), loop.stop()]);
    },
  };
}

/** A text that differs whenever open alerts, what was recorded of alerts, or what is blind differs. */
export async function readAlertsVersion(db: Database): Promise<string> {
  const [row] = await db.$queryRaw<{ version: string }[]>`
    SELECT concat_ws(' ',
      (SELECT id FROM alert_transitions ORDER BY id DESC LIMIT 1),
      (SELECT md5(string_agg(concat(id, starts_at, acknowledged_at, inhibited, silenced_by::text), ',' ORDER BY id))
        FROM alert_episodes WHERE state = 'firing'),
      (SELECT string_agg(id::text, ',' ORDER BY id) FROM blind_windows WHERE ended_at IS NULL)) AS version`;
  return row?.version ?? "";
}
