import type { Socket } from "node:net";

export type SensorWatchOptions = {
  /** For the first byte, and for the rest of a line or frame that was begun: bytes that drip in do not extend it. */
  beginMs: number;
  /** Between lines or frames; 0 for ever. */
  idleMs: number;
};

type Watched = { heardAt: number; halfSince: number | undefined; end: (reason: string) => void };

/** Ends the connections of sensors that keep their place and say nothing, or half of something. */
export class SensorWatch {
  readonly #options: SensorWatchOptions;
  readonly #sensors = new Map<Socket, Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SensorWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#check(performance.now()), Math.min(1_000, this.#options.beginMs / 4));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** `end` is called once, when the sensor's time is over. */
  add(socket: Socket, end: (reason: string) => void): void {
    const now = performance.now();
    this.#sensors.set(socket, { heardAt: now, halfSince: now, end });
    socket.once("close", () => this.#sensors.delete(socket));
  }

  /** Something came, with or without a rest that is to go on. */
  heard(socket: Socket, isHalf: boolean): void {
    const sensor = this.#sensors.get(socket);
    if (!sensor) return;
    sensor.heardAt = performance.now();
    sensor.halfSince = isHalf ? (sensor.halfSince ?? sensor.heardAt) : undefined;
  }

  #check(now: number): void {
    const { beginMs, idleMs } = this.#options;
    for (const [socket, sensor] of this.#sensors) {
      // What it says is not read: the time is not its own.
      if (socket.isPaused()) Object.assign(sensor, { heardAt: now, halfSince: sensor.halfSince && now });
      const isLate = sensor.halfSince !== undefined && now - sensor.halfSince > beginMs;
      const isIdle = idleMs > 0 && now - sensor.heardAt > idleMs;
      if (!isLate && !isIdle) continue;
      this.#sensors.delete(socket);
      sensor.end(isLate ? `nothing whole came within ${beginMs} ms` : `nothing came for ${idleMs} ms`);
    }
  }
}
