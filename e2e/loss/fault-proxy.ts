import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What the network does to bytes on their way, in both directions. It may be changed while connections are open. */
export type Faults = {
  /** Every piece arrives this much later. */
  latencyMs?: number;
  /** No more than so many bytes a second, in each direction of each connection. */
  bytesPerSecond?: number;
  /** Bytes arrive in pieces of this size, each written by itself. */
  sliceBytes?: number;
  /** Nothing passes; after so many milliseconds the connection is closed (0: it stays, half open). */
  timeoutMs?: number;
  /** The connection is reset when one direction has carried so many bytes, in the middle of whatever is being sent. */
  resetAfterBytes?: number;
  /** The end of one side is told to the other this much later. */
  slowCloseMs?: number;
};

type Target = { host: string; port: number };
type Piece = { bytes: Buffer; dueAt: number };

const pollMs = 5;
const maxQueuedBytes = 1024 * 1024;

/** A TCP proxy on loopback that behaves as badly as it is told. */
export class FaultProxy {
  faults: Faults = {};
  readonly #target: () => Target | undefined;
  readonly #links = new Set<Link>();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  #isCut = false;

  /** `target` is asked for every connection; undefined refuses it. */
  constructor(target: () => Target | undefined) {
    this.#target = target;
  }

  get connections(): number {
    return this.#links.size;
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection (RST to both sides). */
  reset(): void {
    for (const link of [...this.#links]) link.reset();
  }

  /** Resets every connection and every new one until `mend()`. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #accept(near: Socket): void {
    const target = this.#isCut ? undefined : this.#target();
    if (!target) {
      near.on("error", () => {}).resetAndDestroy();
      return;
    }
    const far = connect({ ...target, allowHalfOpen: true });
    const link = new Link(near, far, () => this.faults);
    this.#links.add(link);
    link.onGone = () => this.#links.delete(link);
  }
}

/** The two connections of one client. */
class Link {
  readonly #sides: Socket[];
  onGone = () => {};

  constructor(near: Socket, far: Socket, faults: () => Faults) {
    this.#sides = [near, far];
    for (const side of this.#sides) {
      side.setNoDelay(true);
      side.on("error", () => this.reset());
      side.on("close", () => {
        if (this.#sides.every(({ destroyed }) => destroyed)) this.onGone();
      });
    }
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      void new Lane(from, to, faults, () => this.reset()).run();
    }
  }

  reset(): void {
    for (const side of this.#sides) if (!side.destroyed) side.resetAndDestroy();
    this.onGone();
  }
}

/** One direction of a link. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: () => Faults;
  readonly #reset: () => void;
  readonly #queue: Piece[] = [];
  #queuedBytes = 0;
  #carriedBytes = 0;
  #hasEnded = false;
  #wake = () => {};

  constructor(from: Socket, to: Socket, faults: () => Faults, reset: () => void) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#reset = reset;
    from.on("data", (bytes) => {
      this.#queue.push({ bytes, dueAt: performance.now() + (faults().latencyMs ?? 0) });
      this.#queuedBytes += bytes.length;
      if (this.#queuedBytes > maxQueuedBytes) from.pause();
      this.#wake();
    });
    from.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    for (const side of [from, to]) side.on("close", () => this.#wake());
  }

  async run(): Promise<void> {
    while (!this.#isGone()) {
      const piece = this.#queue.shift();
      if (piece) await this.#carry(piece);
      else if (this.#hasEnded) break;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    if (this.#isGone()) return;
    await sleep(this.#faults().slowCloseMs ?? 0);
    this.#to.end();
  }

  async #carry({ bytes, dueAt }: Piece): Promise<void> {
    const early = dueAt - performance.now();
    if (early > 0) await sleep(early);
    let at = 0;
    while (at < bytes.length && !this.#isGone()) {
      if (this.#faults().timeoutMs !== undefined) await this.#hold();
      const { sliceBytes = bytes.length, bytesPerSecond, resetAfterBytes = Number.POSITIVE_INFINITY } = this.#faults();
      const share = bytesPerSecond ? Math.max(1, Math.ceil(bytesPerSecond / 50)) : bytes.length;
      const left = Math.max(0, resetAfterBytes - this.#carriedBytes);
      const slice = bytes.subarray(at, at + Math.min(sliceBytes, share, left));
      await this.#write(slice);
      at += slice.length;
      this.#carriedBytes += slice.length;
      if (this.#carriedBytes >= resetAfterBytes) this.#reset();
      else if (bytesPerSecond) await sleep((slice.length * 1000) / bytesPerSecond);
      else if (at < bytes.length) await new Promise(setImmediate);
    }
    this.#queuedBytes -= bytes.length;
    if (this.#queuedBytes <= maxQueuedBytes) this.#from.resume();
  }

  async #hold(): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      const { timeoutMs } = this.#faults();
      if (timeoutMs === undefined || this.#isGone()) return;
      if (timeoutMs > 0 && performance.now() - startedAt >= timeoutMs) {
        this.#from.destroy();
        this.#to.destroy();
      } else await sleep(pollMs);
    }
  }

  /** The callback comes when the bytes are with the kernel, also for a socket that is destroyed meanwhile. */
  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#to.write(bytes, () => resolve()));
  }

  /** A side that has ended in both directions destroys itself; what it has said before is still to be carried. */
  #isGone(): boolean {
    return this.#to.destroyed || (this.#from.destroyed && !this.#hasEnded);
  }
}
