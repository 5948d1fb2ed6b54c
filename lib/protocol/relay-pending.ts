import { type Delta, transform } from "./relay-delta.ts";

/** An operation that its client has made and the relay has not committed. */
export type PendingOperation = { sequence: number; delta: Delta };

/** An operation that has its place in the document's order. */
export type OrderedOperation = { clientId: string; sequence: number; delta: Delta };

/** A client's own operation came back before one that it made earlier: what is pending does not belong to this history. */
export class HistoryMismatch extends Error {
  override readonly name = "HistoryMismatch";
}

/**
 * Moves a client's pending operations past one committed operation. The client and the relay both do exactly this, in the order
 * of revisions, which is why their documents converge. Returns what is still pending: the client's own operation, when it comes
 * by, is the first of them and is done; another's operation changes them all, and so does one of its own that it had made and
 * given up before these. Throws HistoryMismatch.
 */
export function advance<P extends PendingOperation>(clientId: string, pending: P[], committed: OrderedOperation): P[] {
  const [first] = pending;
  if (!first) return pending;
  if (committed.clientId === clientId && committed.sequence >= first.sequence) {
    if (committed.sequence > first.sequence) {
      throw new HistoryMismatch(`operation ${committed.sequence} of the client was committed out of turn`);
    }
    return pending.slice(1);
  }
  let passing = committed.delta;
  return pending.map((operation) => {
    const moved = transform(operation.delta, passing, true);
    passing = transform(passing, operation.delta, false);
    return { ...operation, delta: moved };
  });
}
