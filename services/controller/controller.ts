import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { settleAbandoned } from "#lib/domain/actions/settlement.ts";
import { measureActions } from "#lib/domain/ledger/measure.ts";
import { observeWorkloads } from "#lib/domain/ledger/observe.ts";
import type { Handlers } from "#lib/runtime/health-server.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { prune } from "./housekeeping.ts";
import { type ReconcilerContext, reconcileRollouts } from "./rollouts.ts";

/** The background loops. Each pass reads the world and may be repeated or run twice; none keeps state of its own. */
export class Controller {
  readonly #context: ReconcilerContext;
  readonly #loops: Loop[];
  readonly #registry = new Registry();
  readonly #passes: Counter<"loop" | "result">;
  readonly #lastPass: Gauge<"loop">;

  constructor(context: ReconcilerContext, settings: { scrapeSeconds: number }) {
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
      help: "When the last pass of a loop succeeded, Unix time",
      labelNames: ["loop"],
      registers,
    });
    this.#loops = [
      this.#loop("rollouts", 1_000, () => reconcileRollouts(context)),
      this.#loop("abandoned-actions", 10_000, () => settleAbandoned(context)),
      this.#loop("outside-changes", 5_000, () => observeWorkloads(context)),
      this.#loop("measures", 15_000, () => measureActions(context, settings)),
      this.#loop("housekeeping", 3_600_000, () => prune(context.db, context.clock())),
    ];
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
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

  #loop(name: string, intervalMs: number, pass: () => Promise<unknown>): Loop {
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
