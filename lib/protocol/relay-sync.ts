import { bytesOf, type Delta, findProblem, isTooComplex, maxDeltaBytes } from "./relay-delta.ts";
import { RelayDocument } from "./relay-document.ts";
import {
  type ClientMessage,
  type CommittedOperation,
  closeCodes,
  maxOperationsPerSubmission,
  type PresenceEvent,
  type RefusalCode,
  type ServerMessage,
} from "./relay-messages.ts";
import { HistoryMismatch, type PendingOperation } from "./relay-pending.ts";

/**
 * Why an operation will not be committed. `invalid`: the relay would not take it, or closed the connection over what came with
 * it. `superseded`: it was made on top of one that was refused. `reset` and `stopped`: given up by the client; it may have been
 * committed all the same.
 */
export class OperationRefused extends Error {
  override readonly name = "OperationRefused";
  readonly code: RefusalCode | "invalid" | "superseded" | "reset" | "stopped";

  constructor(code: OperationRefused["code"], reason: string) {
    super(reason);
    this.code = code;
  }
}

export type Acknowledged = { sequence: number; revision: number };

/** What the state of a document asks of its connection, and what it tells. */
export type RelaySyncOutlet = {
  send: (message: ClientMessage) => void;
  /** A submission has gone out and waits for its outcome. */
  submitted: () => void;
  /** What was submitted has its outcome; also when a submission was refused for now. */
  settled: () => void;
  /** Refused for now: `flush` is to be called after a short pause. */
  pause: () => void;
  operation: (operation: CommittedOperation) => void;
  snapshot: (revisions: { revision: number; previousRevision: number }) => void;
  /** What another client has done. */
  presence: (event: PresenceEvent) => void;
};

type Pending = PendingOperation & {
  /** The connection on which it was first submitted; 0 as long as it was not. */
  firstConnection: number;
  resolve: (acknowledged: Acknowledged) => void;
  reject: (error: OperationRefused) => void;
};

const tooBig = 1009;
/** Refusals that do not lie in what was submitted. */
const passing: ReadonlySet<RefusalCode> = new Set(["overloaded", "injected_fault", "unavailable"]);

/**
 * What one client has of a document and what it still owes to the relay, across connections: joins from the revision that it
 * has, and submits again, under the same ids, what was not acknowledged. Knows neither sockets nor timers.
 */
export class RelaySync {
  readonly clientId: string;
  readonly #outlet: RelaySyncOutlet;
  readonly #document: RelayDocument<Pending>;
  #hasState = false;
  #isLive = false;
  #isHeld = false;
  #inFlight = 0;
  #sequence = 0;
  #connection = 0;

  constructor(clientId: string, outlet: RelaySyncOutlet) {
    this.clientId = clientId;
    this.#outlet = outlet;
    this.#document = new RelayDocument(clientId);
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

  get isHeld(): boolean {
    return this.#isHeld;
  }

  get isWaiting(): boolean {
    return this.#inFlight > 0;
  }

  /** A connection is open: joins. */
  opened(): void {
    this.#connection += 1;
    const since = this.#hasState ? { since: this.#document.revision } : {};
    this.#outlet.send({ type: "join", clientId: this.clientId, ...since });
  }

  /** The connection is gone, and with it the outcome of what was submitted on it. What the relay does not understand is given up. */
  closed(code = 0): void {
    if (this.#inFlight > 0 && (code === closeCodes.protocolError || code === tooBig)) {
      this.rejectPending(() => new OperationRefused("invalid", `the relay has closed the connection with ${code}`));
    }
    this.#isLive = false;
    this.#isHeld = false;
    this.#inFlight = 0;
  }

  /** Submits nothing more on this connection. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Resolves when the operation is committed, however many connections that takes. Rejects with OperationRefused. */
  submit(delta: Delta): Promise<Acknowledged> {
    const problem = findProblem(delta);
    if (problem) return Promise.reject(new OperationRefused("invalid", problem));
    this.#sequence += 1;
    const sequence = this.#sequence;
    return new Promise((resolve, reject) => {
      this.#document.edit({ sequence, delta, firstConnection: 0, resolve, reject });
      this.flush();
    });
  }

  /** Takes a message of the relay. Returns why the connection cannot go on, if so: it is to be ended, and another one opened. */
  receive(message: ServerMessage): string | undefined {
    if (message.type === "operations") return this.#receiveOperations(message.operations);
    if (message.type === "snapshot") this.#receiveSnapshot(message.revision, message.document);
    else if (message.type === "refused") this.#refused(message);
    else if (message.type === "presence") this.#receivePresence(message.events);
    else if (message.type === "joined") {
      this.#isLive = true;
      this.flush();
    }
    return undefined;
  }

  /** Submits what is pending, unless something is under way. */
  flush(): void {
    if (!this.#isLive || this.#isHeld || this.#inFlight > 0) return;
    this.#giveUpTooComplex();
    const { pending, revision } = this.#document;
    if (pending.length === 0) return;
    const submitted = takeSubmission(pending);
    for (const operation of submitted) operation.firstConnection ||= this.#connection;
    this.#inFlight = submitted.length;
    this.#outlet.send({ type: "submit", base: revision, operations: submitted.map(toWire) });
    this.#outlet.submitted();
  }

  /** Gives up all pending operations. */
  rejectPending(errorFor: (pending: { sequence: number }) => OperationRefused, from?: number): void {
    for (const pending of this.#document.dropPending(from)) pending.reject(errorFor(pending));
  }

  #giveUpTooComplex(): void {
    const first = this.#document.pending.find(({ delta }) => isTooComplex(delta))?.sequence;
    if (first !== undefined) this.#rejectFrom(first, [first], "too_complex", "others have split the operation too often");
  }

  /** Gives up what was refused and what was made on top of it. */
  #rejectFrom(first: number, refused: number[], code: RefusalCode, reason: string): void {
    this.rejectPending(({ sequence }) => new OperationRefused(refused.includes(sequence) ? code : "superseded", reason), first);
  }

  #receiveSnapshot(revision: number, document: Delta): void {
    const previousRevision = this.#document.revision;
    if (this.#hasState) this.#startAgain("the document went back to an earlier revision");
    this.#document.reset(revision, document);
    this.#hasState = true;
    this.#outlet.snapshot({ revision, previousRevision });
  }

  #receivePresence(events: PresenceEvent[]): void {
    for (const event of events) if (event.clientId !== this.clientId) this.#outlet.presence(event);
  }

  #receiveOperations(operations: CommittedOperation[]): string | undefined {
    const wasWaiting = this.#inFlight > 0;
    for (const operation of operations) {
      if (operation.revision <= this.#document.revision) continue;
      if (operation.revision !== this.#document.revision + 1) return "an operation is missing";
      try {
        const acknowledged = this.#document.receive(operation);
        if (acknowledged) {
          this.#inFlight = Math.max(0, this.#inFlight - 1);
          acknowledged.resolve({ sequence: operation.sequence, revision: operation.revision });
        }
      } catch (error) {
        if (!(error instanceof HistoryMismatch)) throw error;
        this.#startAgain("the history is another one");
        return "the history is another one";
      }
      this.#outlet.operation(operation);
    }
    if (wasWaiting && this.#inFlight === 0) this.#settled();
    return undefined;
  }

  /** A refusal is final only for what was never submitted before: an earlier connection's submission may still be committed. */
  #refused({ sequences, code, reason }: Extract<ServerMessage, { type: "refused" }>): void {
    const { pending } = this.#document;
    // An earlier connection's submission of the same operations was committed meanwhile; another one is under way by now.
    if (!pending.some(({ sequence }) => sequences.includes(sequence))) return;
    const isRepeated = pending.some(({ firstConnection }) => firstConnection > 0 && firstConnection < this.#connection);
    this.#inFlight = 0;
    if (code === "rate_limited" || (isRepeated && passing.has(code))) {
      this.#outlet.settled();
      this.#outlet.pause();
      return;
    }
    this.#rejectFrom(Math.min(...sequences), sequences, code, reason);
    // What comes before the first that was refused is committed, and its acknowledgement is under way.
    this.#inFlight = this.#document.pending.length;
    if (this.#inFlight === 0) this.#settled();
  }

  #settled(): void {
    this.#outlet.settled();
    this.flush();
  }

  #startAgain(reason: string): void {
    this.#hasState = false;
    this.#document.reset(0, []);
    this.rejectPending(() => new OperationRefused("reset", reason));
  }
}

function takeSubmission(pending: readonly Pending[]): Pending[] {
  let bytes = 0;
  const tooMany = pending.findIndex((operation, index) => {
    bytes += bytesOf(toWire(operation));
    return index > 0 && (index === maxOperationsPerSubmission || bytes > maxDeltaBytes);
  });
  return pending.slice(0, tooMany < 0 ? pending.length : tooMany);
}

/** Of an operation others may have left nothing, as when they deleted the same text. It is still to be acknowledged. */
function toWire({ sequence, delta }: PendingOperation): { sequence: number; delta: Delta } {
  return { sequence, delta: delta.length > 0 ? delta : [{ retain: 1 }] };
}
