import type { WebSocket } from "ws";
import { isTooComplex, maxComponents, maxDeltaBytes, operationType } from "#lib/protocol/relay-delta.ts";
import {
  type ClientMessage,
  clientMessageSchema,
  closeCodes,
  decode,
  type RefusalCode,
  type ServerMessage,
} from "#lib/protocol/relay-messages.ts";
import type { Permission } from "#lib/protocol/relay-token.ts";
import type { Faults } from "#lib/runtime/faults.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { Trace } from "#lib/runtime/trace.ts";
import type { Claim } from "./client-claims.ts";
import type { CommitOutcome } from "./committer.ts";
import type { OperationStatus, RelayMetrics } from "./metrics.ts";
import type { Submission } from "./ordering.ts";
import { PresenceThrottle } from "./presence-throttle.ts";
import { RateLimiter } from "./rate-limiter.ts";
import type { Member, Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { DocumentReader } from "./store.ts";

/** What all sessions of a replica share. */
export type SessionContext = {
  rooms: Rooms;
  store: DocumentReader;
  metrics: RelayMetrics;
  faults: Faults;
  logger: Logger;
  submit: (submission: Submission) => Promise<CommitOutcome>;
  /** Whether a client id is the actor's, who may write; it is from now on if it was nobody's. */
  claim: (claim: Claim) => Promise<boolean>;
  replica: string;
  version: string;
  limits: SessionLimits;
  rates: { connection: { perSecond: number; burstSeconds: number }; user: RateLimiter };
};

export type SessionLimits = {
  /** A connection that did not join by then is closed. */
  joinTimeoutMs: number;
  /** A client for which more than this waits to be sent is closed with 1013. */
  maxBufferedBytes: number;
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  cursorThrottleMs: number;
  typingDebounceMs: number;
};

export type SessionIdentity = {
  documentId: string;
  actor: string;
  permissions: Permission[];
  expiresAtMs: number;
  trace: Trace;
};

type SubmitMessage = Extract<ClientMessage, { type: "submit" }>;

/** One authenticated connection to one document, from its join message to its close. */
export class Session implements Member {
  readonly #socket: WebSocket;
  readonly #context: SessionContext;
  readonly #identity: SessionIdentity;
  readonly #presence: PresenceThrottle;
  readonly #rate: RateLimiter;
  readonly #openedAt = performance.now();
  #clientId = "";
  #room: Room | undefined;
  #state: "open" | "joining" | "live" | "closed" = "open";
  #underWay = Promise.resolve();
  #submissions = 0;
  #lastSeen = performance.now();
  #lastPing = performance.now();

  constructor(socket: WebSocket, identity: SessionIdentity, context: SessionContext, onClosed: () => void) {
    this.#socket = socket;
    this.#identity = identity;
    this.#context = context;
    this.#rate = new RateLimiter(context.rates.connection);
    this.#presence = new PresenceThrottle(context.limits, (event) => {
      if (this.#room) context.rooms.announce(this.#room, { ...event, clientId: this.#clientId });
    });
    socket.on("message", (data, isBinary) => {
      this.#lastSeen = performance.now();
      this.#receive(isBinary ? undefined : data.toString());
    });
    socket.on("ping", (data) => {
      this.#lastSeen = performance.now();
      if (socket.bufferedAmount <= context.limits.maxBufferedBytes) socket.pong(data);
    });
    socket.on("pong", () => {
      this.#lastSeen = performance.now();
    });
    context.logger.debug(this.#about(), "a client has connected");
    socket.on("error", (error) => context.logger.debug(this.#about({ err: error }), "a connection failed"));
    socket.on("close", (code) => {
      context.logger.debug(this.#about({ code }), "a connection has ended");
      this.#leave();
      onClosed();
    });
  }

  get documentId(): string {
    return this.#identity.documentId;
  }

  get clientId(): string {
    return this.#clientId;
  }

  get actor(): string {
    return this.#identity.actor;
  }

  get #mayWrite(): boolean {
    return this.#identity.permissions.includes("write");
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  send(json: Buffer, isDispensable = false): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (isDispensable && this.#socket.bufferedAmount > this.#context.limits.maxBufferedBytes / 4) return;
    if (this.#socket.bufferedAmount > this.#context.limits.maxBufferedBytes) {
      this.#context.metrics.slowConsumer();
      this.#context.logger.info(this.#about(), "a client that does not read fast enough is closed");
      this.close(1013, "the client does not read fast enough");
      return;
    }
    this.#socket.send(json, { binary: false });
  }

  restart(reason: string): void {
    this.close(1012, reason);
  }

  notifyShutdown(graceMs: number): void {
    this.#send({ type: "shutdown", graceMs });
  }

  /** Closes with a code; a client that does not answer the close is cut off after a short time. */
  close(code: number, reason: string): void {
    this.#leave();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), 2000).unref();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** To be called every second or so: sends pings, and ends what is dead, has not joined, or whose token has expired. */
  sweep(): void {
    const { joinTimeoutMs, heartbeatIntervalMs, heartbeatTimeoutMs } = this.#context.limits;
    const now = performance.now();
    if (this.#state === "closed") return;
    if (Date.now() >= this.#identity.expiresAtMs) this.close(closeCodes.tokenExpired, "the token has expired");
    else if (this.#state === "open" && now - this.#openedAt > joinTimeoutMs)
      this.close(closeCodes.handshakeTimeout, "no join message");
    else if (now - this.#lastSeen > heartbeatTimeoutMs) this.#socket.terminate();
    else if (now - this.#lastPing >= heartbeatIntervalMs) {
      this.#lastPing = now;
      this.#socket.ping();
    }
  }

  #receive(text: string | undefined): void {
    if (this.#state === "closed") return;
    const decoded = text === undefined ? { problem: "binary messages are not understood" } : decode(clientMessageSchema, text);
    if ("problem" in decoded) this.close(closeCodes.protocolError, decoded.problem.slice(0, 100));
    else this.#handle(decoded.value, text?.length ?? 0).catch((error: unknown) => this.#fail(error));
  }

  async #handle(message: ClientMessage, characters: number): Promise<void> {
    if (message.type === "join") {
      if (this.#state === "open") await this.#join(message.clientId, message.since);
      else this.close(closeCodes.protocolError, "joined already");
    } else if (!this.#room) this.close(closeCodes.protocolError, "join first");
    else if (!this.#rate.take("") || !this.#context.rates.user.take(this.actor)) {
      // A cursor that is lost is made up for by the next one.
      if (message.type === "submit") this.#refuse(message, "rate_limited", "too many messages; submit again after a pause");
    } else if (message.type === "submit") await this.#submit(message, characters);
    else if (message.type === "cursor") this.#presence.cursor(message.cursor);
    else this.#presence.typing();
  }

  async #join(clientId: string, since: number | undefined): Promise<void> {
    this.#state = "joining";
    this.#clientId = clientId;
    const { documentId, actor } = this;
    // Before the others learn of the id.
    if (this.#mayWrite && !(await this.#context.claim({ documentId, clientId, actor }))) {
      return this.close(closeCodes.protocolError, "the client id is another user's");
    }
    const room = await this.#context.rooms.enter(this.documentId, this);
    this.#room = room;
    // The connection may have closed while the room was opened.
    if (this.#socket.readyState !== this.#socket.OPEN) return this.#leave();
    // The client may know more than this replica has heard of.
    const isKnown = since !== undefined && (await room.reach(since));
    await this.#catchUp(room, isKnown ? since : await this.#sendSnapshot(room));
  }

  async #sendSnapshot(room: Room): Promise<number> {
    const { revision, document } = await room.snapshot();
    await this.#sendAndWait({ type: "snapshot", revision, document });
    return revision;
  }

  async #catchUp(room: Room, from: number): Promise<void> {
    let at = from;
    while (at < room.revision && this.#state === "joining") {
      const operations = await room.page(at);
      const last = operations.at(-1);
      if (!last) return this.restart("the document was restored to an earlier revision");
      at = last.revision;
      await this.#sendAndWait({ type: "operations", operations });
    }
    if (this.#state !== "joining") return;
    this.#state = "live";
    this.#send({ type: "joined", revision: at, replica: this.#context.replica, version: this.#context.version });
    this.#context.rooms.arrive(room, this);
  }

  /** One submission is under way and one more may wait: an acknowledgement can overtake the end of its own submission. */
  async #submit(message: SubmitMessage, characters: number): Promise<void> {
    const receivedAt = performance.now();
    if (this.#submissions === 2) return this.#refuse(message, "in_flight", "the submission before this one is still under way");
    this.#submissions += 1;
    this.#underWay = this.#underWay
      .then(() => this.#process(message, characters, receivedAt))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#submissions -= 1;
      });
    await this.#underWay;
  }

  async #process(message: SubmitMessage, characters: number, receivedAt: number): Promise<void> {
    const { base, operations } = message;
    if (!this.#mayWrite) {
      return this.#refuse(message, "forbidden", "the token does not permit writing");
    }
    if (operations.some(({ delta }) => isTooComplex(delta))) {
      return this.#refuse(
        message,
        "too_complex",
        `an operation has more than ${maxComponents} components or ${maxDeltaBytes} bytes`,
      );
    }
    if (await this.#context.faults.inject()) return this.#refuse(message, "injected_fault", "refused by FAULT_ERROR_RATIO");
    const { documentId, clientId, actor } = this;
    const outcome = await this.#context.submit({ documentId, clientId, actor, base, operations, characters });
    if (outcome.kind === "committed") {
      const seconds = (performance.now() - receivedAt) / 1000;
      this.#count(operations.slice(0, outcome.duplicates), "duplicate");
      this.#count(operations.slice(outcome.duplicates), "ok", seconds);
    } else if (outcome.kind === "refused")
      this.#refuse(message, outcome.code ?? "invalid_base", outcome.reason, outcome.sequences);
    else if (outcome.kind === "overloaded") this.#refuse(message, "overloaded", "too many operations wait to be committed");
    else if (outcome.kind === "unavailable") this.#refuse(message, "unavailable", "Redis is away; nothing can be written");
    else {
      this.#count(operations, "error");
      this.close(1013, "the database is away; submit again later");
    }
  }

  #count(operations: SubmitMessage["operations"], status: OperationStatus, seconds?: number): void {
    for (const { delta } of operations) this.#context.metrics.operation(operationType(delta), status, seconds);
  }

  #refuse({ operations }: SubmitMessage, code: RefusalCode, reason: string, only?: number[]): void {
    const refused = only ? operations.filter(({ sequence }) => only.includes(sequence)) : operations;
    this.#count(refused, "error");
    this.#context.logger.debug(this.#about({ code, operations: refused.length }), "operations were refused");
    this.#send({ type: "refused", sequences: refused.map(({ sequence }) => sequence), code, reason });
  }

  #send(message: ServerMessage): void {
    this.send(Buffer.from(JSON.stringify(message)));
  }

  #sendAndWait(message: ServerMessage): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(JSON.stringify(message), () => resolve());
    });
  }

  #fail(error: unknown): void {
    this.#context.logger.warn(this.#about({ err: error }), "a message could not be handled");
    this.close(1013, "try again later");
  }

  /** What every line of the log about this connection says. */
  #about(more: object = {}): object {
    return { ...this.#identity.trace, documentId: this.documentId, ...more };
  }

  #leave(): void {
    this.#state = "closed";
    this.#presence.stop();
    if (this.#room) this.#context.rooms.leave(this.#room, this);
  }
}
