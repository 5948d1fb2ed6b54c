import type { Duplex } from "node:stream";
import { FrameDecoder, FrameError } from "#lib/protocol/frame.ts";
import {
  decodeMessage,
  encodeMessage,
  type HubBody,
  type HubEnvelope,
  HubError,
  type HubMessage,
  maxHubPayloadBytes,
} from "#lib/protocol/hub-messages.ts";

export type HubConnectionOptions = {
  /** Largest payload taken from the peer; `maxPayloadBytes` of the connection may be changed later. */
  maxPayloadBytes?: number;
  /** Above this many unsent bytes the peer is not read any more until it reads; 1 MiB by default. */
  pauseAtBytes?: number;
  /** Above this many unsent bytes the connection is ended as slow_consumer; 16 MiB by default. */
  closeAtBytes?: number;
  /** Requests and notices of the peer. Replies to own requests go to their callers. */
  onMessage: (message: HubEnvelope) => void;
  /** Called once, when the connection is gone, with the reason. */
  onClose?: (error: Error) => void;
  onSent?: () => void;
  onReceived?: () => void;
};

export type RequestOptions = {
  /** After this many milliseconds the request fails with HubError `timeout`. */
  timeoutMs: number;
  /** When aborted, a cancel goes to the peer and the request fails with HubError `cancelled`. */
  signal?: AbortSignal;
  onProgress?: (progress: HubBody<"progress">) => void;
};

type Pending = {
  resolve: (message: HubEnvelope) => void;
  reject: (error: Error) => void;
  onProgress: ((progress: HubBody<"progress">) => void) | undefined;
};

/**
 * Messages over one socket: requests and replies matched by id, bounded memory in both directions. Either side may ask. A frame
 * or message that is wrong ends the connection, after an error that says so.
 */
export class HubConnection {
  readonly #socket: Duplex;
  readonly #decoder: FrameDecoder;
  readonly #options: HubConnectionOptions;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closed: Error | undefined;
  #lastReceivedAt = performance.now();

  constructor(socket: Duplex, options: HubConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#decoder = new FrameDecoder(options.maxPayloadBytes ?? maxHubPayloadBytes);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => socket.resume());
    socket.on("error", (error) => this.#finish(error));
    socket.on("end", () => void this.end(closedByPeer));
    socket.on("close", () => {
      if (this.isOpen) this.#finish(new Error("the connection was lost"));
    });
  }

  get #pauseAtBytes(): number {
    return this.#options.pauseAtBytes ?? 1024 * 1024;
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Milliseconds since the peer last said anything. */
  get silentMs(): number {
    return performance.now() - this.#lastReceivedAt;
  }

  /** Whether a frame of the peer was begun and is not whole. */
  get isHalfRead(): boolean {
    return this.#decoder.bufferedBytes > 0;
  }

  set maxPayloadBytes(bytes: number) {
    this.#decoder.maxPayloadBytes = bytes;
  }

  /**
   * Sends a notice, or with `to` an answer to the peer's request of that id (`more`: others follow). Nothing happens when closed, and
   * an answer that others follow is left out while the peer does not read: it is news that the next one replaces.
   */
  send(message: HubMessage, { to, more = false }: { to?: number; more?: boolean } = {}): void {
    if (more && this.#socket.writableLength > this.#pauseAtBytes) return;
    this.#write(message, to ?? 0, to !== undefined, more);
  }

  /** Refuses or fails the peer's request of that id. */
  sendError(error: unknown, to: number): void {
    const body = error instanceof HubError ? { code: error.code, message: error.message } : internalError;
    this.send({ name: "error", body }, { to });
  }

  /** Asks the peer. Rejects with HubError (the peer's, `timeout`, `cancelled`) or with why the connection ended. */
  request(message: HubMessage, { timeoutMs, signal, onProgress }: RequestOptions): Promise<HubEnvelope> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(new HubError("cancelled", "cancelled before it was sent"));
    const id = this.#takeId();
    return new Promise((resolve, reject) => {
      const giveUp = (error: HubError) => {
        this.#write({ name: "cancel", body: { reason: error.message } }, id, false, false);
        settle(() => reject(error));
      };
      const timer = setTimeout(() => giveUp(new HubError("timeout", `no answer within ${timeoutMs} ms`)), timeoutMs);
      const onAbort = () => giveUp(new HubError("cancelled", "cancelled by the caller"));
      const settle = (then: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        then();
      };
      signal?.addEventListener("abort", onAbort);
      this.#pending.set(id, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
        onProgress,
      });
      this.#write(message, id, false, false);
    });
  }

  /** Sends an error that belongs to no request, then ends the connection. */
  refuse(error: HubError): void {
    this.sendError(error, 0);
    void this.end(error);
  }

  /** Ends the connection after what was sent; after `graceMs` it is cut. Resolves when the socket is closed. */
  end(reason: Error = new Error("closed here"), graceMs = 1_000): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once("close", () => resolve());
    });
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), graceMs);
    this.#finish(reason);
    return closed.then(() => clearTimeout(timer));
  }

  /** Cuts the connection. */
  destroy(reason: Error = new Error("closed here")): void {
    this.#socket.destroy();
    this.#finish(reason);
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 0xffffffff ? 1 : id + 1;
    return this.#pending.has(id) ? this.#takeId() : id;
  }

  #write(message: HubMessage, id: number, reply: boolean, more: boolean): void {
    if (this.#closed) return;
    this.#socket.write(encodeMessage(message, id, { reply, more }));
    this.#options.onSent?.();
    const { closeAtBytes = 16 * 1024 * 1024 } = this.#options;
    if (this.#socket.writableLength > closeAtBytes) this.destroy(new HubError("slow_consumer", "the peer does not read"));
    else if (this.#socket.writableLength > this.#pauseAtBytes) this.#socket.pause();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#lastReceivedAt = performance.now();
    try {
      this.#decoder.push(chunk, (frame) => {
        if (!this.#closed) this.#dispatch(decodeMessage(frame));
      });
    } catch (error) {
      if (error instanceof FrameError) this.refuse(new HubError("bad_frame", error.message));
      else if (error instanceof HubError) this.refuse(error);
      else throw error;
    }
  }

  #dispatch(message: HubEnvelope): void {
    this.#options.onReceived?.();
    if (!message.reply) {
      this.#options.onMessage(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (message.id === 0 && message.name === "error") this.destroy(new HubError(message.body.code, message.body.message));
    else if (message.name === "progress") pending?.onProgress?.(message.body);
    else if (message.name === "error") pending?.reject(new HubError(message.body.code, message.body.message));
    else pending?.resolve(message);
  }

  #finish(reason: Error): void {
    if (this.#closed) return;
    this.#closed = reason;
    for (const pending of [...this.#pending.values()]) pending.reject(reason);
    this.#options.onClose?.(reason);
  }
}

/** Made once: its stack would say nothing, and costs a busy hub a good part of each connection's end. */
const closedByPeer = new Error("the peer closed the connection");

const internalError = { code: "internal", message: "something went wrong inside; its log says what" } as const;
