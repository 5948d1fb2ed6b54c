import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { WebSocket } from "ws";
import { Backoff } from "#lib/runtime/backoff.ts";
import { type Attributes, type Delta, deleteAt, formatAt, insertAt } from "./relay-delta.ts";
import { RelayDocument } from "./relay-document.ts";
import {
  type ClientMessage,
  type CommittedOperation,
  decode,
  maxOperationsPerSubmission,
  type PresenceEvent,
  type RefusalCode,
  relayProtocol,
  type ServerMessage,
  serverMessageSchema,
} from "./relay-messages.ts";
import { HistoryMismatch, type PendingOperation } from "./relay-pending.ts";

export type RelayClientOptions = {
  /** Where the relay is, e.g. ws://relay:8081. */
  url: string;
  documentId: string;
  /** Asked for a token before every connection. */
  token: () => Promise<string>;
  clientId?: string;
  /** The address to dial from. */
  localAddress?: string;
  /** A connection on which a submission waits longer for its outcome is given up; 10 s by default. */
  acknowledgeTimeoutMs?: number;
  /** A connection on which nothing arrives for so long, pings included, is given up; 90 s by default. */
  idleTimeoutMs?: number;
  backoff?: { initialMs: number; maxMs: number };
};

/** Why an operation will not be committed. `superseded`: it was made on top of one that was refused. */
export class OperationRefused extends Error {
  override readonly name = "OperationRefused";
  readonly code: RefusalCode | "superseded" | "reset" | "stopped";

  constructor(code: OperationRefused["code"], reason: string) {
    super(reason);
    this.code = code;
  }
}

export type Acknowledged = { sequence: number; revision: number };

/** `connected` comes when the client has caught up; `connectFailed` for every try that did not get there. Times in milliseconds. */
export type RelayClientEvents = {
  connected: [{ tookMs: number; replica: string; version: string; revision: number }];
  connectFailed: [Error];
  disconnected: [{ code: number; reason: string }];
  operation: [CommittedOperation];
  /** The document started again from a snapshot; operations before its revision were not seen one by one. */
  snapshot: [{ revision: number; previousRevision: number }];
  presence: [PresenceEvent];
};

type Pending = PendingOperation & {
  /** The connection on which it was first submitted; 0 as long as it was not. */
  firstConnection: number;
  resolve: (acknowledged: Acknowledged) => void;
  reject: (error: OperationRefused) => void;
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
  readonly #document: RelayDocument<Pending>;
  #socket: WebSocket | undefined;
  #state: "idle" | "connecting" | "live" | "stopped" = "idle";
  #hasState = false;
  #inFlight = 0;
  #isMoving = false;
  #sequence = 0;
  #connection = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #dialTimer: NodeJS.Timeout | undefined;
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: RelayClientOptions) {
    super();
    this.#options = options;
    this.clientId = (options.clientId ?? randomUUID()).toLowerCase();
    this.#backoff = new Backoff(options.backoff ?? { initialMs: 100, maxMs: 5000 });
    this.#document = new RelayDocument(this.clientId);
  }

  /** The committed text with the own pending operations on top. */
  get text(): string {
    return this.#document.text;
  }

  get confirmed(): Delta {
    return this.#document.confirmed;
  }

  get revision(): number {
    return this.#document.revision;
  }

  get pendingCount(): number {
    return this.#document.pending.length;
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
    this.#rejectPending(() => new OperationRefused("stopped", "the client was stopped"));
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
    this.#isMoving = true;
    if (this.#inFlight === 0) this.#leave();
  }

  /** Resolves when the operation is committed, however many connections that takes. Rejects with OperationRefused. */
  submit(delta: Delta): Promise<Acknowledged> {
    if (this.#state === "stopped") return Promise.reject(new OperationRefused("stopped", "the client was stopped"));
    this.#sequence += 1;
    const sequence = this.#sequence;
    return new Promise((resolve, reject) => {
      this.#document.edit({ sequence, delta, firstConnection: 0, resolve, reject });
      this.#flush();
    });
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
    let token: string;
    try {
      token = await this.#options.token();
    } catch (error) {
      this.#retry(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#hasStopped()) return;
    const url = new URL("/collab", this.#options.url);
    url.searchParams.set("document", this.#options.documentId);
    const socket = new WebSocket(url, [relayProtocol], {
      headers: { authorization: `Bearer ${token}` },
      localAddress: this.#options.localAddress,
      handshakeTimeout: 5000,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    this.#connection += 1;
    let failure: Error | undefined;
    socket.on("open", () => {
      this.#watchIdle(socket);
      const since = this.#hasState ? { since: this.#document.revision } : {};
      this.#send({ type: "join", clientId: this.clientId, ...since });
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
    const wasMoving = this.#isMoving;
    this.#inFlight = 0;
    this.#isMoving = false;
    if (wasLive) this.emit("disconnected", { code, reason });
    if (this.#hasStopped()) return;
    if (!wasLive) this.#retry(failure ?? new Error(`closed with ${code} ${reason}`.trim()));
    else if (wasMoving) void this.#dial();
    else this.#scheduleDial();
  }

  #retry(error: Error): void {
    if (this.#hasStopped()) return;
    this.emit("connectFailed", error);
    this.#scheduleDial();
  }

  #scheduleDial(): void {
    this.#state = "connecting";
    this.#dialTimer = setTimeout(() => void this.#dial(), this.#backoff.next());
  }

  #receive(text: string, socket: WebSocket, startedAt: number): void {
    if (this.#hasStopped()) return;
    const decoded = decode(serverMessageSchema, text);
    if ("problem" in decoded) {
      socket.close(1002, "not understood");
      return;
    }
    try {
      this.#handle(decoded.value, socket, startedAt);
    } catch (error) {
      if (!(error instanceof HistoryMismatch)) throw error;
      this.#startAgain("the history is another one");
      socket.terminate();
    }
  }

  #handle(message: ServerMessage, socket: WebSocket, startedAt: number): void {
    if (message.type === "operations") this.#receiveOperations(message.operations, socket);
    else if (message.type === "presence") this.emit("presence", message.event);
    else if (message.type === "shutdown") setTimeout(() => this.reconnect(), Math.random() * Math.min(1000, message.graceMs / 2));
    else if (message.type === "refused") this.#refused(message);
    else if (message.type === "snapshot") {
      const previousRevision = this.#document.revision;
      if (this.#hasState) this.#startAgain("the document went back to an earlier revision");
      this.#document.reset(message.revision, message.document);
      this.emit("snapshot", { revision: message.revision, previousRevision });
    } else {
      this.#hasState = true;
      this.#state = "live";
      this.#backoff.reset();
      const { replica, version, revision } = message;
      this.emit("connected", { tookMs: performance.now() - startedAt, replica, version, revision });
      this.#flush();
    }
  }

  /** A refusal is final only for what was never submitted before: an earlier connection's submission may still be committed. */
  #refused({ sequences, code, reason }: Extract<ServerMessage, { type: "refused" }>): void {
    const isRepeated = this.#document.pending.some(
      ({ firstConnection }) => firstConnection > 0 && firstConnection < this.#connection,
    );
    this.#inFlight = 0;
    clearTimeout(this.#acknowledgeTimer);
    if (isRepeated && (code === "overloaded" || code === "injected_fault")) {
      this.#flushTimer = setTimeout(() => this.#settled(), resubmitDelayMs);
      return;
    }
    this.#rejectPending(({ sequence }) =>
      sequences.includes(sequence) ? new OperationRefused(code, reason) : new OperationRefused("superseded", reason),
    );
    this.#settled();
  }

  #receiveOperations(operations: CommittedOperation[], socket: WebSocket): void {
    for (const operation of operations) {
      if (operation.revision <= this.#document.revision) continue;
      if (operation.revision !== this.#document.revision + 1) {
        socket.close(1002, "an operation is missing");
        return;
      }
      const acknowledged = this.#document.receive(operation);
      if (acknowledged) {
        this.#inFlight = Math.max(0, this.#inFlight - 1);
        acknowledged.resolve({ sequence: operation.sequence, revision: operation.revision });
      }
      this.emit("operation", operation);
    }
    if (this.#inFlight === 0) this.#settled();
  }

  #settled(): void {
    this.#inFlight = 0;
    clearTimeout(this.#acknowledgeTimer);
    if (this.#isMoving) this.#leave();
    else this.#flush();
  }

  #flush(): void {
    const { pending, revision } = this.#document;
    if (this.#state !== "live" || this.#isMoving || this.#inFlight > 0 || pending.length === 0) return;
    const submitted = pending.slice(0, maxOperationsPerSubmission);
    for (const operation of submitted) operation.firstConnection ||= this.#connection;
    const operations = submitted.map(({ sequence, delta }) => ({ sequence, delta }));
    this.#inFlight = operations.length;
    this.#send({ type: "submit", base: revision, operations });
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

  #startAgain(reason: string): void {
    this.#hasState = false;
    this.#document.reset(0, []);
    this.#rejectPending(() => new OperationRefused("reset", reason));
  }

  #rejectPending(errorFor: (pending: Pending) => OperationRefused): void {
    for (const pending of this.#document.dropPending()) pending.reject(errorFor(pending));
  }

  #hasStopped(): boolean {
    return this.#state === "stopped";
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
