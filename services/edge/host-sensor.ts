import { connect, type Socket } from "node:net";
import { freemem, loadavg, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * A sensor of its own: measures the host (load, memory) and this process's event loop, and writes the readings to the local
 * socket as any sensor would.
 */
export class HostSensor {
  readonly #path: string;
  readonly #intervalMs: number;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, intervalMs: number) {
    this.#path = path;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#delay.enable();
    this.#timer = setInterval(() => this.#measure(), this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
    this.#socket?.destroy();
  }

  #measure(): void {
    const at = new Date().toISOString();
    const readings = [
      { sensor: "host/load", at, value: { one: loadavg()[0], five: loadavg()[1], fifteen: loadavg()[2] } },
      { sensor: "host/memory", at, value: { totalBytes: totalmem(), freeBytes: freemem() } },
      { sensor: "edge/event-loop", at, value: { p99Ms: this.#delay.percentile(99) / 1e6, maxMs: this.#delay.max / 1e6 } },
    ];
    this.#delay.reset();
    const socket = this.#open();
    if (socket.writableLength < 65_536) socket.write(readings.map((reading) => `${JSON.stringify(reading)}\n`).join(""));
  }

  #open(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const socket = connect(this.#path);
    socket.on("error", () => socket.destroy());
    socket.resume();
    this.#socket = socket;
    return socket;
  }
}
