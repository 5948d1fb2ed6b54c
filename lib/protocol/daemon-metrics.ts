import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** The metrics of the network-protocol guide, under its names, and the process's own. */
export class DaemonMetrics {
  readonly registry = new Registry();
  readonly handshakes = this.counter("handshakes_total", "Handshakes that succeeded");
  readonly #sent = this.counter("messages_sent", "Messages sent to peers");
  readonly #received = this.counter("messages_received", "Messages received from peers");
  readonly #messages = this.counter("messages_total", "Messages sent and received");
  readonly errors = this.counter("errors_total", "Requests that failed and connections that ended by an error");
  readonly connections = this.gauge("connections_active", "Connections to peers that are open now");
  readonly requestSeconds = new Histogram({
    name: "request_duration_seconds",
    help: "Time from a request to its answer",
    labelNames: ["operation"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.registry],
  });

  constructor(service: string, version: string) {
    collectDefaultMetrics({ register: this.registry });
    const info = this.gauge("service_build_info", "Always 1; which software this is", ["service", "version"]);
    info.set({ service, version }, 1);
  }

  counter<L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  readonly countSent = (): void => {
    this.#sent.inc();
    this.#messages.inc();
  };

  readonly countReceived = (): void => {
    this.#received.inc();
    this.#messages.inc();
  };
}
