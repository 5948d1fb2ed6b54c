import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Pipeline } from "#lib/database/pipeline.ts";
import { settleAbandoned } from "#lib/domain/actions/settlement.ts";
import { watchSilences } from "#lib/domain/alerts/silences-expiry.ts";
import { restoreDueLimits } from "#lib/domain/autoscaling/restore.ts";
import { measureActions } from "#lib/domain/ledger/measure.ts";
import { observeWorkloads } from "#lib/domain/ledger/observe.ts";
import { observeConfig } from "#lib/domain/ledger/observe-config.ts";
import { type WatchedFeed, watchFeeds } from "#lib/domain/notifications/feed-outages.ts";
import { listExportedServices } from "#lib/domain/objectives/held.ts";
import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import type { NodePower } from "#lib/domain/recovery/drills/node-power.ts";
import { listRehearsed } from "#lib/domain/recovery/drills/rehearsed.ts";
import { serviceId } from "#lib/domain/recovery/drills/service-id.ts";
import { removeUnusedCopies } from "#lib/domain/rollouts/start/collect-copies.ts";
import { promoteQueued } from "#lib/domain/rollouts/start/queue.ts";
import type { Handlers } from "#lib/runtime/health-server.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { AlertReconciler, alertPollMs } from "./alerts.ts";
import { drillLoops } from "./drills.ts";
import { prune } from "./housekeeping.ts";
import { incidentLoops } from "./incidents.ts";
import { NotificationSender, type NotificationSettings } from "./notifications.ts";
import { Recovery } from "./recovery.ts";
import { carryOutRollouts } from "./rollout-runs.ts";
import { type ReconcilerContext, reconcileRollouts } from "./rollouts.ts";

export type ControllerSettings = {
  scrapeSeconds: number;
  /** Connections of the alerts' own. */
  pipeline: Pipeline;
  notifications: Pick<NotificationSettings, "sealer" | "baseUrl">;
  recovery: RecoverySettings;
  /** Null where nothing has the power over nodes. */
  nodePower: NodePower | null;
};

/** Where backups are, what opens them, and what making and restoring them needs. */
export type RecoverySettings = Omit<RecoveryContext, keyof ReconcilerContext>;

/** The background loops. Each pass reads the world and may be repeated or run twice; none keeps state of its own. */
export class Controller {
  readonly #context: ReconcilerContext;
  readonly #loops: Loop[];
  readonly #notifications: NotificationSender;
  readonly #recovery: Recovery;
  readonly #registry = new Registry();
  readonly #passes: Counter<"loop" | "result">;
  readonly #lastPass: Gauge<"loop">;
  readonly #interval: Gauge<"loop">;
  readonly #services: Gauge<"namespace" | "service" | "service_kind">;
  readonly #held: Gauge<"namespace" | "service" | "service_kind">;
  readonly #objectives: Gauge<"namespace" | "service" | "sli">;

  constructor(context: ReconcilerContext, settings: ControllerSettings) {
    this.#context = context;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#passes = new Counter({
      name: "switchyard_controller_passes_total",
      help: "Passes of the control loops, by outcome",
      labelNames: ["loop", "result"],
      registers,
    });
    this.#lastPass = new Gauge({
      name: "switchyard_controller_last_pass_timestamp_seconds",
      help: "When the last pass of a loop succeeded, else when it was started, Unix time",
      labelNames: ["loop"],
      registers,
    });
    this.#interval = new Gauge({
      name: "switchyard_controller_loop_interval_seconds",
      help: "Time between two passes of a loop",
      labelNames: ["loop"],
      registers,
    });
    const named = { labelNames: ["namespace", "service", "service_kind"] as const, registers };
    this.#services = new Gauge({
      name: "switchyard_service_desired_instances",
      help: "How many instances a managed service is to have",
      ...named,
    });
    this.#held = new Gauge({
      name: "switchyard_objective_held",
      help: "1 for a service that has an objective of its own",
      ...named,
    });
    this.#objectives = new Gauge({
      name: "switchyard_objective_ratio",
      help: "Share of requests that are to be good, by service and indicator",
      labelNames: ["namespace", "service", "sli"],
      registers,
    });
    const attempts = new Counter({
      name: "switchyard_notification_attempts_total",
      help: "Attempts to notify a target, by target and outcome; tests left out",
      labelNames: ["kind", "target", "outcome"],
      registers,
    });
    this.#notifications = new NotificationSender(context, {
      ...settings.notifications,
      onAttempt: ({ kind, name: target }, outcome) => {
        // A counter that appears at 1 has no increase: the first delivery after failures has to be seen as one.
        attempts.inc({ kind, target, outcome: "delivered" }, 0);
        attempts.inc({ kind, target, outcome });
      },
      onSettled: () => notifying.wake(),
    });
    const notifying = this.#loop("notifications", 1_000, () => this.#notifications.pass());
    this.#recovery = new Recovery({ ...context, ...settings.recovery }, this.#registry);
    const alerts = new AlertReconciler({ ...context, pipeline: settings.pipeline }, this.#registry);
    this.#loops = [
      notifying,
      this.#loop("alerts", alertPollMs, () => alerts.pass()),
      this.#loop("silences", 60_000, () => watchSilences(context)),
      this.#loop("feeds", 10_000, () => watchFeeds(context, feedsOf(context))),
      this.#loop("rollouts", 1_000, () => reconcileRollouts(context)),
      this.#loop("rollout-queue", 1_000, () => promoteQueued(context)),
      this.#loop("rollout-runs", 1_000, () => carryOutRollouts(context)),
      ...[
        ...incidentLoops(context, settings),
        ...this.#recovery.loops(),
        ...drillLoops({ ...context, nodePower: settings.nodePower }),
      ].map(({ name, intervalMs, pass }) => this.#loop(name, intervalMs, pass)),
      this.#loop("abandoned-actions", 10_000, () => settleAbandoned(context)),
      this.#loop("timed-limits", 1_000, () => restoreDueLimits(context)),
      this.#loop("outside-changes", 5_000, () => observeWorkloads(context)),
      this.#loop("outside-config", 10_000, () => observeConfig({ ...context, sealer: settings.notifications.sealer })),
      this.#loop("service-metrics", 15_000, () => this.#exportServices()),
      this.#loop("measures", 15_000, () => measureActions(context, settings)),
      this.#loop("config-copies", 3_600_000, () => removeUnusedCopies(context)),
      this.#loop("housekeeping", 3_600_000, () => prune(context.db, context.clock())),
    ];
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await Promise.all([this.#notifications.settled(), this.#recovery.stop()]);
  }

  handlers(): Handlers {
    return {
      "/health": () => ({ status: 200, body: { status: "healthy" } }),
      "/ready": async () => {
        const answers = await this.#context.db.$queryRaw`SELECT 1`.then(
          () => true,
          () => false,
        );
        return {
          status: answers ? 200 : 503,
          body: { status: answers ? "ready" : "not ready", checks: { database: answers ? "ok" : "failed" } },
        };
      },
      "/metrics": async () => ({ status: 200, body: await this.#registry.metrics(), contentType: this.#registry.contentType }),
    };
  }

  async #exportServices(): Promise<void> {
    const [services, rehearsed] = await Promise.all([listExportedServices(this.#context), listRehearsed(this.#context)]);
    const isRehearsed = new Set(rehearsed.map(serviceId));
    for (const gauge of [this.#services, this.#held, this.#objectives]) gauge.reset();
    for (const { namespace, name: service } of rehearsed) this.#services.set({ namespace, service, service_kind: "" }, 0);
    for (const { namespace, service, kind, desired, isHeld, objectives } of services) {
      if (isRehearsed.has(serviceId({ namespace, name: service }))) continue;
      const labels = { namespace, service, service_kind: kind };
      this.#services.set(labels, desired);
      if (isHeld) this.#held.set(labels, 1);
      for (const { sli, ratio } of objectives) this.#objectives.set({ namespace, service, sli }, ratio);
    }
  }

  #loop(name: string, intervalMs: number, pass: () => Promise<unknown>): Loop {
    for (const result of ["ok", "failed"]) this.#passes.inc({ loop: name, result }, 0);
    this.#interval.set({ loop: name }, intervalMs / 1000);
    // A first pass that never ends is as old as the process.
    this.#lastPass.set({ loop: name }, this.#context.clock().getTime() / 1000);
    return new Loop({
      name,
      intervalMs,
      logger: this.#context.logger,
      pass: async () => {
        try {
          await pass();
          this.#passes.inc({ loop: name, result: "ok" });
          this.#lastPass.set({ loop: name }, this.#context.clock().getTime() / 1000);
        } catch (error) {
          this.#passes.inc({ loop: name, result: "failed" });
          throw error;
        }
      },
    });
  }
}

/** What the controller reads from; Alertmanagers have blind windows of their own. */
function feedsOf({ kubernetes, prometheus }: ReconcilerContext): WatchedFeed[] {
  return [
    { id: "kubernetes", name: "The cluster's API", check: () => kubernetes.get("/version") },
    ...(prometheus ? [{ id: "prometheus", name: "Prometheus", check: () => prometheus.query("vector(1)") }] : []),
  ];
}
