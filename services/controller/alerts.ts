import { Gauge, type Registry } from "prom-client";
import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import type { Database } from "#lib/database/client.ts";
import { type ReconcileContext, reconcileAlerts } from "#lib/domain/alerts/reconcile.ts";

/** How often every Alertmanager is asked what fires. */
export const alertPollMs = 5_000;

type AlertContext = Omit<ReconcileContext, "connect">;

/** The reconciliation of alerts, and what the controller's metrics tell of each source. */
export class AlertReconciler {
  readonly #context: AlertContext;
  readonly #clients = new Map<string, AlertmanagerClient>();
  readonly #open: Gauge<"source">;
  readonly #blind: Gauge<"source">;
  readonly #received: Gauge<"source">;

  constructor(context: AlertContext, registry: Registry) {
    this.#context = context;
    const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ["source"], registers: [registry] });
    this.#open = gauge("switchyard_alerts_open", "Alerts that fire, by source");
    this.#blind = gauge("switchyard_alert_source_blind", "Whether alerts of a source can come and go unseen now, 1 or 0");
    this.#received = gauge(
      "switchyard_alert_source_last_received_timestamp_seconds",
      "When a source's last webhook came, Unix time",
    );
  }

  async pass(): Promise<void> {
    await reconcileAlerts({ ...this.#context, connect: (url) => this.#connect(url) });
    await this.#measure(this.#context.db);
  }

  #connect(url: string): AlertmanagerClient {
    const client = this.#clients.get(url) ?? new AlertmanagerClient({ url });
    this.#clients.set(url, client);
    return client;
  }

  async #measure(db: Database): Promise<void> {
    const sources = await db.alertSource.findMany({
      select: { name: true, lastReceivedAt: true, _count: { select: { episodes: { where: { state: "firing" } } } } },
    });
    const blind = await db.blindWindow.findMany({
      where: { openKey: { not: null } },
      select: { source: { select: { name: true } } },
    });
    for (const gauge of [this.#open, this.#blind, this.#received]) gauge.reset();
    for (const { name, lastReceivedAt, _count } of sources) {
      this.#open.set({ source: name }, _count.episodes);
      this.#blind.set({ source: name }, blind.some(({ source }) => source.name === name) ? 1 : 0);
      if (lastReceivedAt) this.#received.set({ source: name }, lastReceivedAt.getTime() / 1000);
    }
  }
}
