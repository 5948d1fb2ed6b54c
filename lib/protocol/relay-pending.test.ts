import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, type Delta, deleteAt, insertAt } from "./relay-delta.ts";
import { advance, HistoryMismatch, type OrderedOperation, type PendingOperation } from "./relay-pending.ts";

/** A client and the relay as pure models: the relay orders, clients see the order late, resend and reconnect. */
class ModelClient {
  readonly id: string;
  confirmed: Delta = [];
  revision = 0;
  sequence = 0;
  pending: PendingOperation[] = [];

  constructor(id: string) {
    this.id = id;
  }

  edit(delta: Delta): void {
    this.sequence += 1;
    this.pending.push({ sequence: this.sequence, delta });
  }

  receive(history: OrderedOperation[], count: number): void {
    for (const committed of history.slice(this.revision, this.revision + count)) {
      this.pending = advance(this.id, this.pending, committed);
      this.confirmed = apply(this.confirmed, committed.delta);
      this.revision += 1;
    }
  }
}

function commit(history: OrderedOperation[], clientId: string, base: number, operations: PendingOperation[]): void {
  let pending = operations;
  for (const committed of history.slice(base)) pending = advance(clientId, pending, committed);
  for (const operation of pending) history.push({ clientId, ...operation });
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("edit" as const), client: fc.nat(4), at: fc.nat(20), size: fc.integer({ min: -4, max: 4 }) }),
  fc.record({ kind: fc.constant("submit" as const), client: fc.nat(4), at: fc.nat(3), size: fc.constant(0) }),
  fc.record({ kind: fc.constant("receive" as const), client: fc.nat(4), at: fc.nat(6), size: fc.constant(0) }),
);

describe("pending operations", () => {
  it("converge for 2 to 5 clients under any interleaving, with lost answers and repeated submissions", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.array(step, { maxLength: 60 }), (count, steps) => {
        const history: OrderedOperation[] = [];
        const clients = Array.from({ length: count }, (_, index) => new ModelClient(`client-${index}`));
        for (const { kind, client: number, at, size } of steps) {
          const client = clients[number % count];
          if (!client) continue;
          if (kind === "edit") client.edit(size < 0 ? deleteAt(at, -size) : insertAt(at, `${client.id.slice(-1)}${size}`));
          // A submission whose answer is lost is sent again as it is: part or all of it may be in the history already.
          if (kind === "submit") commit(history, client.id, client.revision, client.pending.slice(0, at + 1));
          if (kind === "receive") client.receive(history, at);
        }
        for (const client of clients) {
          client.receive(history, Number.POSITIVE_INFINITY);
          commit(history, client.id, client.revision, client.pending);
        }
        for (const client of clients) client.receive(history, Number.POSITIVE_INFINITY);
        for (const client of clients) {
          expect(client.pending).toEqual([]);
          expect(client.confirmed).toEqual(clients[0]?.confirmed);
        }
        const ids = history.map(({ clientId, sequence }) => `${clientId}:${sequence}`);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBe(clients.reduce((sum, client) => sum + client.sequence, 0));
      }),
      { numRuns: 1500 },
    );
  });

  it("refuses a history in which the client's own operation comes before one that it made earlier", () => {
    const pending = [{ sequence: 4, delta: insertAt(0, "a") }];
    expect(() => advance("me", pending, { clientId: "me", sequence: 5, delta: insertAt(0, "b") })).toThrow(HistoryMismatch);
  });

  it("move past an operation that the client had made before them and given up, as past another's", () => {
    const pending = [{ sequence: 5, delta: insertAt(3, "a") }];
    const givenUp = { sequence: 4, delta: insertAt(0, "bb") };
    const moved = advance("me", pending, { clientId: "me", ...givenUp });
    expect(moved).toEqual([{ sequence: 5, delta: insertAt(5, "a") }]);
    expect(moved).toEqual(advance("me", pending, { clientId: "another", ...givenUp }));
  });
});
