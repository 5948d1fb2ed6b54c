import type { BreakerState } from "#lib/protocol/breaker.ts";
import { DaemonMetrics } from "#lib/protocol/daemon-metrics.ts";
import type { OfflineBuffer } from "./offline-buffer.ts";

const breakerValues: Record<BreakerState, number> = { closed: 0, "half-open": 1, open: 2 };

export class EdgeMetrics extends DaemonMetrics {
  readonly readings = this.counter("edge_readings_total", "Readings that sensors wrote, also those that were refused");
  readonly refused = this.counter("edge_refused_lines_total", "Lines and connections of sensors that were refused");
  readonly notKept = this.counter("edge_not_kept_total", "Readings refused because the disk would not take them", ["reason"]);
  readonly #connected = this.gauge("edge_hub_connected", "1 while connected to the hub");
  readonly #depth = this.gauge("edge_buffer_depth", "Readings that the hub has not acknowledged");
  readonly #dropped = this.counter("edge_dropped_total", "Readings dropped because the buffer was full, oldest first");
  readonly #breaker = this.gauge("edge_breaker_state", "Circuit breaker to the hub: 0 closed, 1 half-open, 2 open");
  #droppedSoFar = 0;

  constructor(version: string) {
    super("edge", version);
    this.requestSeconds.zero({ operation: "batch" });
    for (const reason of ["disk_full", "disk_failed"]) this.notKept.inc({ reason }, 0);
  }

  connected(isConnected: boolean): void {
    if (isConnected) this.handshakes.inc();
    this.#connected.set(isConnected ? 1 : 0);
    this.connections.set(isConnected ? 1 : 0);
  }

  breakerState(state: BreakerState): void {
    this.#breaker.set(breakerValues[state]);
  }

  buffer({ depth, dropped }: Pick<OfflineBuffer, "depth" | "dropped">): void {
    this.#depth.set(depth);
    this.#dropped.inc(dropped - this.#droppedSoFar);
    this.#droppedSoFar = dropped;
  }
}
