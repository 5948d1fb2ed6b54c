import { connectDatabase } from "#lib/database/client.ts";
import { ensureAlertSource } from "#lib/domain/alerts/sources.ts";
import { demoAutomation, ensureAutomation } from "#lib/domain/incidents/opening/automation-settings.ts";
import { ensureProtection } from "#lib/domain/recovery/protection.ts";
import { demoProtection } from "./demo-recovery.ts";

type DemoAlerts = {
  /** The demo's own Alertmanager; undefined where another one was named, or none runs. */
  alertmanagerUrl: string | undefined;
  alertSecret: string;
};

/**
 * Writes what Switchyard knows of the demo from its first start on: backups and drills of it, and its Alertmanager as a source of
 * alerts, with the demo's short times. Those of a real cluster are set by people.
 */
export async function beginDemo(databaseUrl: string, { alertmanagerUrl, alertSecret }: DemoAlerts): Promise<void> {
  const database = connectDatabase(databaseUrl, { maxConnections: 1 });
  const now = new Date();
  try {
    await ensureProtection(database, demoProtection(now), now);
    if (!alertmanagerUrl) return;
    await ensureAlertSource(database, { name: "embedded", secret: alertSecret, urls: [alertmanagerUrl] });
    await ensureAutomation(database, demoAutomation, now);
  } finally {
    await database.$disconnect();
  }
}
