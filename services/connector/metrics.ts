import { Histogram } from "prom-client";
import { DaemonMetrics } from "#lib/protocol/daemon-metrics.ts";

export class ConnectorMetrics extends DaemonMetrics {
  readonly scans = this.counter("connector_scans_total", "Scan jobs that came to an end, whatever it was");
  readonly scanSeconds = new Histogram({
    name: "connector_scan_duration_seconds",
    help: "Time of the scans performed",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers: [this.registry],
  });
  readonly scansRunning = this.gauge("connector_scans_running", "Scans under way");
  readonly scansLimit = this.gauge("connector_scans_limit", "The most scans that may be under way at once");
  readonly resultsHeld = this.gauge("connector_results_held", "Results that no hub has stored yet");
  readonly resultsDropped = this.counter("connector_results_dropped_total", "Results given up because too many waited for a hub");
  readonly scanErrors = this.counter(
    "connector_scan_errors_total",
    "Scan jobs that were refused or failed; a cancelled one is neither",
    ["reason"],
  );
  readonly #connected = this.gauge("connector_hub_connected", "1 while registered with a hub");

  constructor(version: string) {
    super("connector", version);
    const reasons = ["target_refused", "invalid_scan", "busy", "shutting_down", "internal"];
    for (const reason of reasons) this.scanErrors.inc({ reason }, 0);
    this.requestSeconds.zero({ operation: "scan" });
  }

  connected(isConnected: boolean): void {
    if (isConnected) this.handshakes.inc();
    this.#connected.set(isConnected ? 1 : 0);
    this.connections.set(isConnected ? 1 : 0);
  }
}
