import { randomUUID } from "node:crypto";
import { HubError } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { createTraceparent, traceFields } from "#lib/runtime/trace.ts";
import { HubLedger } from "./hub-ledger.ts";
import type { MessageEntry } from "./message-entry.ts";
import type { ProbeMetrics } from "./metrics.ts";
import type { ObservedPath } from "./observations.ts";
import type { StoredReadings } from "./stored-readings.ts";

export type MessageProbeOptions = {
  entry: MessageEntry;
  /** Where messages are read back; without it their acknowledgement is all that is known. */
  stored: StoredReadings | undefined;
  tenant: string;
  /** Messages a second at most: the next one waits for the outcome of this one. */
  rateHz: number;
  /** A message without an acknowledgement for this long counts as a timeout, and so does one that is not stored by then. */
  timeoutMs: number;
  metrics: ProbeMetrics;
  logger: Logger;
  /** Told of every outcome. */
  onOutcome: (operation: "message" | "read", isOk: boolean) => void;
};

const target = "hub";
const readIntervalMs = 250;
const maxRead = 10_000;

/** Sends numbered messages as a sensor or an edge does, and reads back what the hub has stored of them. */
export class MessageProbe {
  readonly #options: MessageProbeOptions;
  readonly #ledger: HubLedger;
  readonly #path: ObservedPath;
  readonly #sensor = `probe-${randomUUID()}`;
  readonly #sending: Loop;
  readonly #reading: Loop;
  #number = 1;
  #problems = { message: "", read: "" };

  constructor(options: MessageProbeOptions) {
    const { rateHz, timeoutMs, metrics, stored, logger } = options;
    this.#options = options;
    this.#ledger = new HubLedger(timeoutMs);
    this.#path = metrics.observations.path(target, "message", 1000 / rateHz);
    // Without the store an acknowledgement is all that is known.
    if (stored) metrics.observations.setUnsettled(target, () => this.#ledger.unsettled());
    this.#sending = new Loop({ name: "hub messages", intervalMs: 1000 / rateHz, pass: () => this.#send(), logger });
    this.#reading = new Loop({ name: "hub readings", intervalMs: readIntervalMs, pass: () => this.#read(), logger });
  }

  get operations(): string[] {
    return this.#options.stored ? ["message", "deliver"] : ["message"];
  }

  start(): void {
    this.#sending.start();
    if (this.#options.stored) this.#reading.start();
  }

  async stop(): Promise<void> {
    const loops = [this.#sending.stop(), this.#reading.stop()];
    await this.#options.entry.stop();
    await Promise.all(loops);
  }

  async #send(): Promise<void> {
    const { entry, timeoutMs, metrics } = this.#options;
    const number = this.#number;
    const madeAt = performance.now();
    try {
      await entry.send({ sensor: this.#sensor, number, timeoutMs });
      this.#number += 1;
      metrics.request(target, "message", "ok", (performance.now() - madeAt) / 1000);
      this.#path.ok(madeAt);
      metrics.observations.acknowledged(target);
      this.#ledger.acknowledged(number, madeAt, performance.now());
      this.#reading.wake();
      this.#outcome("message");
    } catch (error) {
      if (!entry.isRepeatable) this.#number += 1;
      metrics.request(target, "message", error instanceof HubError && error.code === "timeout" ? "timeout" : "error");
      this.#path.failed(madeAt);
      this.#outcome("message", error);
    }
  }

  async #read(): Promise<void> {
    const { stored, tenant } = this.#options;
    if (!stored) return;
    const traceparent = createTraceparent();
    const limit = Math.min(maxRead, this.#ledger.wanted);
    try {
      const readings = await stored.list({ tenant, sensor: this.#sensor, limit }, traceparent);
      this.#ledger.stored(readings, readings.length < limit, performance.now());
      this.#outcome("read");
    } catch (error) {
      this.#ledger.stored([], false, performance.now());
      this.#outcome("read", error, traceparent);
    }
    this.#report();
  }

  #report(): void {
    const { metrics, logger } = this.#options;
    const { latenciesMs, late, lost, duplicated, reordered } = this.#ledger.takeFindings();
    for (const latencyMs of latenciesMs) metrics.request(target, "deliver", "ok", latencyMs / 1000);
    for (let count = 0; count < late; count += 1) metrics.request(target, "deliver", "timeout");
    metrics.observations.found(target, { losses: this.#ledger.takeLosses(), duplicated, reordered });
    if (lost) metrics.lost(target, lost);
    if (duplicated) metrics.duplicated(target, duplicated);
    if (reordered) metrics.reordered(target, reordered);
    if (lost + duplicated + reordered > 0) logger.error({ lost, duplicated, reordered }, "the ledger does not add up");
  }

  /** Says what is wrong once, not at every turn. */
  #outcome(operation: "message" | "read", error?: unknown, traceparent?: string): void {
    const { logger, onOutcome } = this.#options;
    const reason = error === undefined ? "" : String(error);
    if (reason && reason !== this.#problems[operation])
      logger.warn({ ...traceFields(traceparent), operation, reason }, "an operation of the hub probe failed");
    this.#problems[operation] = reason;
    onOutcome(operation, error === undefined);
  }
}
