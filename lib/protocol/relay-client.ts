import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { WebSocket } from "ws";
import { Backoff } from "#lib/runtime/backoff.ts";
import { createTraceparent } from "#lib/runtime/trace.ts";
import { type Attributes, type Delta, deleteAt, formatAt, insertAt } from "./relay-delta.ts";
import {
  type ClientMessage,
  type CommittedOperation,
  decode,
  type PresenceEvent,
  relayProtocol,
  type ServerMessage,
  serverMessageSchema,
} from "./relay-messages.ts";
import { type Acknowledged, OperationRefused, RelaySync } from "./relay-sync.ts";

export { type Acknowledged, OperationRefused } from "./relay-sync.ts";

export type RelayClientOptions = {
  /** Where the relay is, e.g. ws://relay:8081. */
  url: string;
  documentId: string;
  /** Asked for a token before every connection, with the trace that the connection is going to have. */
  token: (traceparent: string) => Promise<string>;
  clientId?: string;
  /** The address to dial from. */
  localAddress?: string;
  /** A connection on which a submission waits longer for its outcome is given up; 10 s by default. */
  acknowledgeTimeoutMs?: number;
  /** A connection on which nothing arrives for so long, pings included, is given up; 90 s by default. */
  idleTimeoutMs?: number;
  backoff?: { initialMs: number; maxMs: number };
};

/** `connected` comes when the client has caught up; `connectFailed` for every try that did not get there. Times in milliseconds. */
export type RelayClientEvents = {
  connected: [{ tookMs: number; replica: string; version: string; revision: number; traceparent: string }];
  connectFailed: [Error, traceparent: string];
  /** `isOwn`: it left by itself, for another connection. */
  disconnected: [{ code: number; reason: string; isOwn: boolean }];
  operation: [CommittedOperation];
  /** The document started again from a snapshot; operations before its revision were not seen one by one. */
  snapshot: [{ revision: number; previousRevision: number }];
  presence: [PresenceEvent];
};

const closeTimeoutMs = 1000;
const resubmitDelayMs = 100;

/**
 * A client of one document. Connects again by itself, resumes from the revision it has, and submits again what was not
 * acknowledged, under the same ids, so that nothing is lost or done twice.
 */
export class RelayClient extends EventEmitter<RelayClientEvents> {
  readonly clientId: string;
  readonly #options: RelayClientOptions;
  readonly #backoff: Backoff;
  readonly #sync: RelaySync;
  #socket: WebSocket | undefined;
  #state: "idle" | "connecting" | "live" | "stopped" = "idle";
  #traceparent = "";
  #flushTimer: NodeJS.Timeout | undefined;
  #dialTimer: NodeJS.Timeout | undefined;
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: RelayClientOptions) {
    super();
    this.#options = options;
    this.clientId = (options.clientId ?? randomUUID()).toLowerCase();
    this.#backoff = new Backoff(options.backoff ?? { initialMs: 100, maxMs: 5000 });
    this.#sync = new RelaySync(this.clientId, {
      send: (message) => this.#send(message),
      submitted: () => this.#watchAcknowledgement(),
      settled: () => this.#settled(),
      pause: () => {
        this.#flushTimer = setTimeout(() => this.#sync.flush(), resubmitDelayMs);
      },
      operation: (operation) => this.emit("operation", operation),
      snapshot: (revisions) => this.emit("snapshot", revisions),
      presence: (event) => this.emit("presence", event),
    });
  }

  /** The committed text with the own pending operations on top. */
  get text(): string {
    return this.#sync.text;
  }

  get confirmed(): Delta {
    return this.#sync.confirmed;
  }

  get revision(): number {
    return this.#sync.revision;
  }

  get pendingCount(): number {
    return this.#sync.pendingCount;
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  start(): void {
    if (this.#state === "idle") void this.#dial();
  }

  /** Closes for good. What is pending is rejected with code `stopped`; it may have been committed all the same. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    clearTimeout(this.#dialTimer);
    this.#sync.rejectPending(() => new OperationRefused("stopped", "the client was stopped"));
    const socket = this.#socket;
    if (!socket || socket.readyState === socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const timer = setTimeout(() => socket.terminate(), closeTimeoutMs);
    socket.close(1000);
    await closed;
    clearTimeout(timer);
  }

  /** Leaves the connection, once nothing is in flight, for a new one, possibly to another replica. */
  reconnect(): void {
    if (this.#state !== "live") return;
    this.#sync.hold();
    if (!this.#sync.isWaiting) this.#leave();
  }

  /** Resolves when the operation is committed, however many connections that takes. Rejects with OperationRefused. */
  submit(delta: Delta): Promise<Acknowledged> {
    if (this.#state === "stopped") return Promise.reject(new OperationRefused("stopped", "the client was stopped"));
    return this.#sync.submit(delta);
  }

  insert(position: number, text: string, attributes?: Attributes): Promise<Acknowledged> {
    return this.submit(insertAt(position, text, attributes));
  }

  delete(position: number, length: number): Promise<Acknowledged> {
    return this.submit(deleteAt(position, length));
  }

  format(position: number, length: number, attributes: Attributes): Promise<Acknowledged> {
    return this.submit(formatAt(position, length, attributes));
  }

  setCursor(cursor: { position: number; length: number } | null): void {
    if (this.isLive) this.#send({ type: "cursor", cursor });
  }

  typing(): void {
    if (this.isLive) this.#send({ type: "typing" });
  }

  async #dial(): Promise<void> {
    this.#state = "connecting";
    const startedAt = performance.now();
    this.#traceparent = createTraceparent();
    let token: string;
    try {
      token = await this.#options.token(this.#traceparent);
    } catch (error) {
      this.#retry(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#hasStopped()) return;
    const url = new URL("/collab", this.#options.url);
    url.searchParams.set("document", this.#options.documentId);
    const socket = new WebSocket(url, [relayProtocol], {
      headers: { authorization: `Bearer ${token}`, traceparent: this.#traceparent },
      localAddress: this.#options.localAddress,
      handshakeTimeout: 5000,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let failure: Error | undefined;
    socket.on("open", () => {
      this.#watchIdle(socket);
      this.#sync.opened();
    });
    socket.on("ping", () => this.#watchIdle(socket));
    socket.on("message", (data) => {
      this.#watchIdle(socket);
      this.#receive(data.toString(), socket, startedAt);
    });
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", (code, reason) => this.#closed(code, reason.toString(), failure));
  }

  #closed(code: number, reason: string, failure: Error | undefined): void {
    clearTimeout(this.#acknowledgeTimer);
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#idleTimer);
    const wasLive = this.#state === "live";
    const wasMoving = this.#sync.isHeld;
    this.#sync.closed(code);
    if (wasLive) this.emit("disconnected", { code, reason, isOwn: wasMoving });
    if (this.#hasStopped()) return;
    if (!wasLive) this.#retry(failure ?? new Error(`closed with ${code} ${reason}`.trim()));
    else if (wasMoving) void this.#dial();
    else this.#scheduleDial();
  }

  #retry(error: Error): void {
    if (this.#hasStopped()) return;
    this.emit("connectFailed", error, this.#traceparent);
    this.#scheduleDial();
  }

  #scheduleDial(): void {
    this.#state = "connecting";
    this.#dialTimer = setTimeout(() => void this.#dial(), this.#backoff.next());
  }

  #receive(text: string, socket: WebSocket, startedAt: number): void {
    if (this.#hasStopped() || socket !== this.#socket) return;
    const decoded = decode(serverMessageSchema, text);
    const problem = "problem" in decoded ? "not understood" : this.#handle(decoded.value, startedAt);
    if (!problem) return;
    // What still comes on this connection follows what was not taken.
    socket.removeAllListeners("message");
    socket.close(1002, problem);
    setTimeout(() => socket.terminate(), closeTimeoutMs).unref();
  }

  #handle(message: ServerMessage, startedAt: number): string | undefined {
    if (message.type === "shutdown") setTimeout(() => this.reconnect(), Math.random() * Math.min(1000, message.graceMs / 2));
    if (message.type === "joined") {
      this.#state = "live";
      this.#backoff.reset();
      const { replica, version, revision } = message;
      const tookMs = performance.now() - startedAt;
      this.emit("connected", { tookMs, replica, version, revision, traceparent: this.#traceparent });
    }
    return this.#sync.receive(message);
  }

  #settled(): void {
    clearTimeout(this.#acknowledgeTimer);
    if (this.#sync.isHeld) this.#leave();
  }

  #watchAcknowledgement(): void {
    clearTimeout(this.#acknowledgeTimer);
    this.#acknowledgeTimer = setTimeout(() => this.#socket?.terminate(), this.#options.acknowledgeTimeoutMs ?? 10_000);
  }

  #leave(): void {
    const socket = this.#socket;
    socket?.close(1000);
    setTimeout(() => socket?.terminate(), closeTimeoutMs).unref();
  }

  #watchIdle(socket: WebSocket): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => socket.terminate(), this.#options.idleTimeoutMs ?? 90_000);
  }

  #hasStopped(): boolean {
    return this.#state === "stopped";
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
