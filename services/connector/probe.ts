import { Socket } from "node:net";
import { safeText } from "./banner.ts";
import type { PortState } from "./probe-task.ts";

/**
 * How a try ended. starved: the machine had no descriptor for it. own: it was connected to a socket of the same scan.
 * reset: it was made and reset at once, by a listener or by such a socket.
 */
export type ProbeOutcome = PortState | "starved" | "own" | "reset";

export type ProbeTarget = {
  host: string;
  port: number;
  localAddress?: string;
  autoSelectFamily: false;
};

const bannerBytes = 256;
const bannerMs = 1_000;

/**
 * Tries one port at a time, and says when the socket is closed again. The socket of a refused connection is connected anew:
 * to make one costs as much as the connection itself.
 */
export class Probe {
  readonly #onEnd: (outcome: ProbeOutcome) => void;
  readonly #isOwn: (socket: Socket) => boolean;
  #socket = this.#createSocket();
  #outcome: ProbeOutcome | undefined;
  #timeoutMs = 0;
  #startedAt = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #readsBanner = false;
  #received: Buffer[] = [];
  #connectMs: number | undefined;

  /** `isOwn` says whether a connection was made to a socket of the same scan. */
  constructor(onEnd: (outcome: ProbeOutcome) => void, isOwn: (socket: Socket) => boolean) {
    this.#onEnd = onEnd;
    this.#isOwn = isOwn;
  }

  try(target: ProbeTarget, timeoutMs: number, readsBanner: boolean): void {
    this.#outcome = undefined;
    this.#connectMs = undefined;
    this.#timeoutMs = timeoutMs;
    this.#readsBanner = readsBanner;
    this.#startedAt = performance.now();
    this.#deadline = this.#startedAt + timeoutMs;
    this.#socket.connect(target);
  }

  /** Ends the try when its time was over at `now`. */
  expire(now: number): void {
    if (this.#deadline <= now) this.#end(this.#connectMs === undefined ? "filtered" : "open");
  }

  abort(): void {
    this.#end("unknown");
  }

  /** Milliseconds, to a thousandth, that the last connection took to be made. */
  get connectMs(): number {
    return Math.round((this.#connectMs ?? 0) * 1000) / 1000;
  }

  /** What the service of the last connection said first. */
  get banner(): string {
    return safeText(Buffer.concat(this.#received).subarray(0, bannerBytes));
  }

  /** What ended first counts. */
  #end(outcome: ProbeOutcome): void {
    this.#outcome ??= outcome;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#socket.destroy();
  }

  #createSocket(): Socket {
    const socket = new Socket();
    socket.on("connect", () => this.#connected());
    socket.on("error", (error) => this.#end(this.#outcomeOf(error)));
    socket.on("close", () => this.#closed());
    return socket;
  }

  #connected(): void {
    const now = performance.now();
    this.#connectMs = now - this.#startedAt;
    this.#received = [];
    if (this.#isOwn(this.#socket)) this.#end("own");
    else if (this.#readsBanner) this.#readBanner(now + Math.min(bannerMs, this.#timeoutMs));
    else this.#end("open");
  }

  #readBanner(deadline: number): void {
    this.#deadline = deadline;
    this.#socket.on("end", () => this.#end("open"));
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      const length = this.#received.reduce((sum, part) => sum + part.length, 0);
      if (length >= bannerBytes || bytes.includes(10)) this.#end("open");
    });
  }

  #closed(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    if (this.#connectMs !== undefined) this.#socket = this.#createSocket();
    this.#onEnd(this.#outcome ?? "unknown");
  }

  #outcomeOf({ code }: NodeJS.ErrnoException): ProbeOutcome {
    if (this.#connectMs !== undefined) return "open";
    switch (code) {
      case "ECONNREFUSED":
        return "closed";
      case "ETIMEDOUT":
      case "EHOSTUNREACH":
      case "ENETUNREACH":
      case "EHOSTDOWN":
        return "filtered";
      case "ECONNRESET":
        this.#connectMs = performance.now() - this.#startedAt;
        return "reset";
      case "EMFILE":
      case "ENFILE":
      case "ENOBUFS":
      case "ENOMEM":
      case "EAGAIN":
        return "starved";
      default:
        return "unknown";
    }
  }
}
