import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { OperationType } from "#lib/protocol/relay-delta.ts";

export type OperationStatus = "ok" | "error" | "duplicate";

const operationTypes: OperationType[] = ["insert", "delete", "format"];
const statuses: OperationStatus[] = ["ok", "error", "duplicate"];

/** The most documents that get a series of their own in materi_websocket_connections_active; the rest is summed up. */
export const labelledDocuments = 20;

/** How many connections each document has, busiest first, everything past the first `limit` as "other". Pure. */
export function labelConnections(byDocument: Map<string, number>, limit = labelledDocuments): Map<string, number> {
  const busiest = [...byDocument].sort(([idA, a], [idB, b]) => b - a || idA.localeCompare(idB));
  const labelled = new Map(busiest.slice(0, limit));
  labelled.set(
    "other",
    busiest.slice(limit).reduce((sum, [, count]) => sum + count, 0),
  );
  return labelled;
}

export class RelayMetrics {
  readonly registry = new Registry();
  readonly #operations = new Counter({
    name: "materi_operations_processed_total",
    help: "Total operations processed",
    labelNames: ["operation_type", "status"],
    registers: [this.registry],
  });
  readonly #latency = new Histogram({
    name: "materi_operation_latency_seconds",
    help: "Time from the arrival of an operation to its commit",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
    registers: [this.registry],
  });
  readonly #presence = new Counter({
    name: "materi_presence_broadcasts_total",
    help: "Total presence broadcast events",
    registers: [this.registry],
  });
  readonly #slowConsumers = new Counter({
    name: "materi_slow_consumers_total",
    help: "Connections closed because the client did not read",
    registers: [this.registry],
  });
  readonly #refusedConnections = new Counter({
    name: "materi_connections_refused_total",
    help: "WebSocket upgrades that were refused, by HTTP status",
    labelNames: ["status"],
    registers: [this.registry],
  });

  constructor(connectionsByDocument: () => Map<string, number>) {
    collectDefaultMetrics({ register: this.registry });
    for (const operation_type of operationTypes) {
      for (const status of statuses) this.#operations.inc({ operation_type, status }, 0);
    }
    new Gauge({
      name: "materi_websocket_connections_active",
      help: "Active WebSocket connections; document_id is kept for the busiest documents, the rest is other",
      labelNames: ["document_id"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [document_id, count] of labelConnections(connectionsByDocument())) this.set({ document_id }, count);
      },
    });
  }

  operation(type: OperationType, status: OperationStatus, seconds?: number): void {
    this.#operations.inc({ operation_type: type, status });
    if (seconds !== undefined) this.#latency.observe(seconds);
  }

  presenceBroadcast(): void {
    this.#presence.inc();
  }

  slowConsumer(): void {
    this.#slowConsumers.inc();
  }

  refusedConnection(status: number): void {
    this.#refusedConnections.inc({ status });
  }
}
