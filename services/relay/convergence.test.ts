import { setImmediate as macrotask } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, type Delta, deleteAt, formatAt, insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { Editor, MemoryStore, Replica, settle } from "./testing/replicas-in-memory.ts";

const step = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant("edit" as const) },
    { weight: 8, arbitrary: fc.constantFrom("upload" as const, "download" as const) },
    { weight: 5, arbitrary: fc.constantFrom("commit" as const, "hear" as const) },
    { weight: 4, arbitrary: fc.constantFrom("connect" as const, "drop" as const, "lose" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("compare" as const, "refuse" as const, "resume" as const, "snapshot" as const, "away" as const),
    },
  ),
  client: fc.nat(4),
  replica: fc.nat(4),
  at: fc.nat(8),
  size: fc.integer({ min: 1, max: 5 }),
  verb: fc.constantFrom("insert", "delete", "delete", "format"),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function deltaOf({ verb, at, size, client }: Step): Delta {
  if (verb === "delete") return deleteAt(at, size);
  if (verb === "format") return formatAt(at, size, { bold: size % 2 === 0 ? true : null, colour: `c${client}` });
  return insertAt(at, `${client}`.repeat(size));
}

async function play(replicaCount: number, clientCount: number, steps: Step[]) {
  const store = new MemoryStore();
  const replicas: Replica[] = [];
  const publish = (from: Replica, operations: CommittedOperation[]) => {
    for (const replica of replicas) if (replica !== from) replica.heard.push(operations);
  };
  for (let index = 0; index < replicaCount; index += 1) replicas.push(new Replica(`replica-${index}`, store, publish));
  const editors = Array.from({ length: clientCount }, (_, index) => new Editor(`${index}0000000-0000-4000-8000-000000000000`));
  editors[0]?.edit(insertAt(0, "the first text of all"));
  await settle(store, replicas, editors);
  for (const given of steps) {
    const editor = editors[given.client % clientCount];
    const replica = replicas[given.replica % replicaCount];
    if (!editor || !replica) continue;
    if (given.kind === "edit") editor.edit(deltaOf(given));
    else if (given.kind === "upload") editor.upload(given.size);
    else if (given.kind === "download") editor.download(given.size * 2);
    else if (given.kind === "commit") replica.commit(given.size);
    else if (given.kind === "hear") replica.hear(false);
    else if (given.kind === "lose") replica.hear(true);
    else if (given.kind === "compare") replica.compare();
    else if (given.kind === "drop") editor.drop();
    else if (given.kind === "connect") editor.connect(replica);
    else if (given.kind === "refuse") replica.refuse();
    else if (given.kind === "resume") editor.resume();
    else if (given.kind === "away") store.isAway = true;
    else await store.writeSnapshot();
    if (given.kind !== "edit") await macrotask();
  }
  await settle(store, replicas, editors);
  return { store, replicas, editors };
}

describe("clients of several replicas", () => {
  it("converge, with each acknowledged operation applied exactly once, however connections and messages are lost", async () => {
    let operations = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 5 }),
        fc.array(step, { minLength: 10, maxLength: 90, size: "max" }),
        async (replicaCount, clientCount, steps) => {
          const { store, editors } = await play(replicaCount, clientCount, steps);
          const document = store.operations.reduce<Delta>((current, { delta }) => apply(current, delta), []);
          const ids = store.operations.map(({ clientId, sequence }) => `${clientId}:${sequence}`);
          expect(new Set(ids).size).toBe(ids.length);
          for (const { sync, acknowledged, refused, closeCodes, snapshots, edits, seen } of editors) {
            expect(closeCodes.filter((code) => code !== 1013)).toEqual([]);
            expect(snapshots).toBe(1);
            expect({ revision: sync.revision, pending: sync.pendingCount }).toEqual({
              revision: store.operations.length,
              pending: 0,
            });
            expect(sync.confirmed).toEqual(document);
            expect(sync.text).toBe(textOf(document));
            expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index));
            expect(acknowledged.length + refused.length).toBe(edits);
            for (const { sequence, revision } of acknowledged) {
              const committed = store.operations[revision - 1];
              expect([committed?.clientId, committed?.sequence]).toEqual([sync.clientId, sequence]);
            }
            const own = store.operations.filter(({ clientId }) => clientId === sync.clientId).map(({ sequence }) => sequence);
            expect(own).toHaveLength(acknowledged.length);
            expect(own).toEqual(own.toSorted((a, b) => a - b));
            expect(refused.filter((code) => code !== "overloaded" && code !== "superseded")).toEqual([]);
          }
          operations += store.operations.length;
        },
      ),
      { numRuns: 1000, seed: 4_2026 },
    );
    expect(operations).toBeGreaterThan(5000);
  }, 60_000);
});
