import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

import { Observations } from "./observations.ts";

export type ProbeResult = "ok" | "error" | "timeout";

const latencyBuckets = [
  0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5,
];

/** What all probes measure, by target (relay, hub). No label names an instance: the prober sees a service as its users do. */
export class ProbeMetrics {
  readonly registry = new Registry();
  /** The same one by one, for drills. */
  readonly observations = new Observations();
  readonly #requests = new Counter({
    name: "switchyard_probe_requests_total",
    help: "Operations that synthetic clients tried, by what became of them",
    labelNames: ["target", "operation", "result"],
    registers: [this.registry],
  });
  readonly #latency = new Histogram({
    name: "switchyard_probe_latency_seconds",
    help: "Time from a synthetic client's request to its outcome, for those that succeeded",
    labelNames: ["target", "operation"],
    buckets: latencyBuckets,
    registers: [this.registry],
  });
  readonly #up = new Gauge({
    name: "switchyard_probe_up",
    help: "1 while synthetic clients get their operations done",
    labelNames: ["target"],
    registers: [this.registry],
  });
  readonly #replicas = new Gauge({
    name: "switchyard_probe_replicas",
    help: "Replicas to which synthetic clients are connected now",
    labelNames: ["target"],
    registers: [this.registry],
  });
  readonly #cuts = new Counter({
    name: "switchyard_probe_cut_total",
    help: "Connections of synthetic clients that broke off without a word",
    labelNames: ["target"],
    registers: [this.registry],
  });
  readonly #lost = this.#ledgerCounter("lost", "Acknowledged operations that never reached the other side");
  readonly #duplicated = this.#ledgerCounter("duplicated", "Operations that were applied more than once");
  readonly #reordered = this.#ledgerCounter("reordered", "Operations that were applied before an earlier one of the same client");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Makes the series of a target exist from the start, so that rates have a first value. */
  declare(target: string, operations: string[]): void {
    this.#up.set({ target }, 0);
    for (const counter of [this.#cuts, this.#lost, this.#duplicated, this.#reordered]) counter.inc({ target }, 0);
    for (const operation of operations) {
      for (const result of ["ok", "error", "timeout"]) this.#requests.inc({ target, operation, result }, 0);
      this.#latency.zero({ target, operation });
    }
  }

  /** One finished operation; `seconds` only for those that succeeded. */
  request(target: string, operation: string, result: ProbeResult, seconds?: number): void {
    this.#requests.inc({ target, operation, result });
    if (seconds !== undefined) this.#latency.observe({ target, operation }, seconds);
  }

  up(target: string, isUp: boolean): void {
    this.#up.set({ target }, isUp ? 1 : 0);
  }

  replicas(target: string, count: number): void {
    this.#replicas.set({ target }, count);
  }

  cut(target: string): void {
    this.#cuts.inc({ target });
  }

  lost(target: string, count = 1): void {
    this.#lost.inc({ target }, count);
  }

  duplicated(target: string, count = 1): void {
    this.#duplicated.inc({ target }, count);
  }

  reordered(target: string, count = 1): void {
    this.#reordered.inc({ target }, count);
  }

  #ledgerCounter(what: string, help: string): Counter<"target"> {
    return new Counter({ name: `switchyard_probe_${what}_total`, help, labelNames: ["target"], registers: [this.registry] });
  }
}
