import { Counter, Gauge, type Registry } from "prom-client";
import { reconcileStorage } from "#lib/domain/recovery/backups/catalogue.ts";
import { applyRetention } from "#lib/domain/recovery/backups/expire.ts";
import { readBackupFigures } from "#lib/domain/recovery/backups/figures.ts";
import { ensureOwnPlan, queueDue } from "#lib/domain/recovery/backups/schedules.ts";
import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import { sweepScratch } from "#lib/programs/scratch.ts";
import { RecoveryProcess } from "./recovery-process.ts";

const labelNames = ["namespace", "service"] as const;

/** The loops that backups and restores need, and the process that carries them out: stop it after the loops. */
export class Recovery {
  readonly #context: RecoveryContext;
  readonly #process: RecoveryProcess;
  readonly #lastVerified: Gauge<"namespace" | "service">;
  readonly #objective: Gauge<"namespace" | "service">;
  readonly #failing: Gauge<"namespace" | "service">;
  #hasOwnPlan = false;

  constructor(context: RecoveryContext, registry: Registry) {
    this.#context = context;
    const registers = [registry];
    this.#lastVerified = new Gauge({
      name: "switchyard_backup_last_verified_timestamp_seconds",
      help: "As of when the newest verified backup is, Unix time",
      labelNames,
      registers,
    });
    this.#objective = new Gauge({
      name: "switchyard_backup_objective_seconds",
      help: "How old the newest verified backup may be",
      labelNames,
      registers,
    });
    this.#failing = new Gauge({
      name: "switchyard_backup_failing",
      help: "1 when the last backup failed, lacks a part, or was found to be damaged",
      labelNames,
      registers,
    });
    const runs = new Counter({
      name: "switchyard_backup_runs_total",
      help: "Backups that ended, by how",
      labelNames: [...labelNames, "result"],
      registers,
    });
    this.#process = new RecoveryProcess(context, { onEnded: (backup) => runs.inc(backup) });
  }

  loops(): { name: string; intervalMs: number; pass: () => Promise<unknown> }[] {
    const context = this.#context;
    return [
      { name: "recovery-process", intervalMs: 1_000, pass: () => this.#process.pass() },
      { name: "backup-schedules", intervalMs: 5_000, pass: () => this.#schedule() },
      { name: "backup-figures", intervalMs: 5_000, pass: () => this.#export() },
      { name: "backup-retention", intervalMs: 30_000, pass: () => applyRetention(context) },
      { name: "backup-storage", intervalMs: 300_000, pass: () => reconcileStorage(context) },
      { name: "scratch", intervalMs: 60_000, pass: () => sweepScratch(context.workDir) },
    ];
  }

  /** Gives back what is under way: another controller, or the next one, goes on with it. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  async #schedule(): Promise<void> {
    if (!this.#hasOwnPlan) await ensureOwnPlan(this.#context);
    this.#hasOwnPlan = true;
    await queueDue(this.#context);
  }

  async #export(): Promise<void> {
    const figures = await readBackupFigures(this.#context);
    for (const gauge of [this.#lastVerified, this.#objective, this.#failing]) gauge.reset();
    for (const { namespace, service, lastVerifiedSeconds, objectiveSeconds, isFailing } of figures) {
      const labels = { namespace, service };
      if (lastVerifiedSeconds !== null) this.#lastVerified.set(labels, lastVerifiedSeconds);
      if (objectiveSeconds !== null) this.#objective.set(labels, objectiveSeconds);
      this.#failing.set(labels, isFailing ? 1 : 0);
    }
  }
}
