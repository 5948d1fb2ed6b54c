import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import type { History } from "./history.ts";

/**
 * Writes numbered readings to the edge's local socket, and connects again when the edge was gone. What was not answered is not
 * sent again.
 */
export class Sensor {
  readonly #name: string;
  readonly #history: History;
  readonly #path: string;
  readonly #waiting = new Set<number>();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #isOver = false;

  constructor(name: string, path: string, history: History) {
    this.#name = name;
    this.#path = path;
    this.#history = history;
    this.#dial();
  }

  /** Writes so many readings a second until `finish()`. */
  start(perSecond: number): void {
    this.#timer = setInterval(() => this.#write(), 1000 / perSecond);
  }

  /** Writes so many readings as fast as the edge reads them, and waits for its answers. */
  async burst(count: number): Promise<void> {
    await eventually(() => this.#socket?.readyState === "open");
    for (let written = 0; written < count; written += 1) {
      if (!this.#write() && this.#socket) await once(this.#socket, "drain");
    }
    await this.finish();
  }

  /** Stops writing, and waits for the answers to what this connection has carried. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await eventually(() => this.#waiting.size === 0, 60_000);
  }

  destroy(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#socket?.destroy();
  }

  #dial(): void {
    const socket = connect(this.#path).on("error", () => {});
    this.#socket = socket;
    createInterface(socket)
      .on("error", () => {})
      .on("line", (line) => this.#answered(JSON.parse(line)));
    socket.on("close", () => {
      this.#waiting.clear();
      if (!this.#isOver) setTimeout(() => this.#dial(), 100);
    });
  }

  /** False when the edge does not read as fast. */
  #write(): boolean {
    if (this.#socket?.readyState !== "open") return true;
    this.#sequence += 1;
    const message = { producer: this.#name, sequence: this.#sequence };
    this.#history.add({ kind: "sent", ...message });
    this.#waiting.add(this.#sequence);
    return this.#socket.write(`${JSON.stringify({ id: this.#sequence, sensor: this.#name, value: message })}\n`);
  }

  #answered(answer: { ack?: number; id?: number; error?: string }): void {
    const sequence = answer.ack ?? answer.id ?? 0;
    this.#waiting.delete(sequence);
    const kind = answer.ack === undefined ? "refused" : "acknowledged";
    this.#history.add({ kind, producer: this.#name, sequence });
  }
}
