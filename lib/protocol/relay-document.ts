import { apply, type Delta, textOf } from "./relay-delta.ts";
import type { CommittedOperation } from "./relay-messages.ts";
import { advance, type PendingOperation } from "./relay-pending.ts";

/** A client's view of a document: what is committed, and its own operations that are not yet. Pure; knows no connection. */
export class RelayDocument<P extends PendingOperation = PendingOperation> {
  readonly #clientId: string;
  #confirmed: Delta = [];
  #revision = 0;
  #pending: P[] = [];

  constructor(clientId: string) {
    this.#clientId = clientId;
  }

  /** The last committed operation that this view contains. */
  get revision(): number {
    return this.#revision;
  }

  get pending(): readonly P[] {
    return this.#pending;
  }

  /** The document as it is committed. */
  get confirmed(): Delta {
    return this.#confirmed;
  }

  /** The committed text with the pending operations on top. */
  get text(): string {
    return textOf(this.#pending.reduce((document, { delta }) => apply(document, delta), this.#confirmed));
  }

  edit(operation: P): void {
    this.#pending.push(operation);
  }

  /** Takes the next committed operation. Returns the own operation that it acknowledges, if any. Throws HistoryMismatch. */
  receive(operation: CommittedOperation): P | undefined {
    const first = this.#pending[0];
    const pending = advance(this.#clientId, this.#pending, operation);
    const acknowledged = pending.length < this.#pending.length ? first : undefined;
    this.#pending = pending;
    this.#confirmed = apply(this.#confirmed, operation.delta);
    this.#revision = operation.revision;
    return acknowledged;
  }

  /** Starts again from a snapshot. */
  reset(revision: number, document: Delta): void {
    this.#revision = revision;
    this.#confirmed = document;
  }

  /** Gives up the pending operations from a sequence on, or all of them, and returns them. */
  dropPending(from = 0): P[] {
    const dropped = this.#pending.filter(({ sequence }) => sequence >= from);
    this.#pending = this.#pending.filter(({ sequence }) => sequence < from);
    return dropped;
  }
}
