import type { ServerResponse } from "node:http";

export type WatchStreamOptions = {
  response: ServerResponse;
  /** Frames that come first; made as fast as the client takes them. */
  initial: Iterable<Buffer>;
  /** A client that lets more than this pile up is cut off, and lists again. */
  limitBytes: number;
};

/** Writes frames to one watcher no faster than it reads. */
export class WatchStream {
  readonly #response: ServerResponse;
  readonly #limitBytes: number;
  readonly #initial: Iterator<Buffer>;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #isStarted = false;
  #isInitial = true;
  #isBlocked = false;
  #isScheduled = false;

  constructor({ response, initial, limitBytes }: WatchStreamOptions) {
    this.#response = response;
    this.#limitBytes = limitBytes;
    this.#initial = initial[Symbol.iterator]();
    response.on("drain", () => {
      this.#isBlocked = false;
      this.#pump();
    });
  }

  start(): void {
    this.#response.writeHead(200, {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      "transfer-encoding": "chunked",
    });
    this.#response.flushHeaders();
    this.#isStarted = true;
    this.#pump();
  }

  send(frame: Buffer): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > this.#limitBytes) {
      this.#queue = [];
      this.#response.destroy();
      return;
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#isStarted || this.#response.destroyed) return;
    while (this.#isInitial && !this.#isBlocked) {
      const { value, done } = this.#initial.next();
      if (done) this.#isInitial = false;
      else this.#write(value);
    }
    if (this.#isBlocked || this.#queue.length === 0) return;
    const bytes = this.#queue.length === 1 ? this.#queue[0] : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    if (bytes) this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (!this.#response.writable) return;
    if (!this.#response.write(bytes)) this.#isBlocked = true;
  }

  /** Ends the stream once everything queued is written. */
  end(): void {
    this.#pump();
    this.#response.end();
  }
}
