import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apply, type Delta, deleteAt, formatAt, insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import { Editor, MemoryStore, pass, Replica, settle } from "./testing/replicas-in-memory.ts";

const step = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant("edit" as const) },
    { weight: 8, arbitrary: fc.constantFrom("upload" as const, "download" as const) },
    { weight: 5, arbitrary: fc.constantFrom("commit" as const, "hear" as const) },
    { weight: 4, arbitrary: fc.constantFrom("connect" as const, "drop" as const, "lose" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "compare" as const,
        "refuse" as const,
        "resume" as const,
        "snapshot" as const,
        "away" as const,
        "fail" as const,
      ),
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
  const publish = (from: Replica, heard: Replica["heard"][number]) => {
    for (const replica of replicas) if (replica !== from) replica.heard.push(heard);
  };
  for (let index = 0; index < replicaCount; index += 1) replicas.push(new Replica(`replica-${index}`, store, publish));
  const editors = Array.from({ length: clientCount }, (_, index) => {
    return new Editor(`${index}0000000-0000-4000-8000-000000000000`, index > 2 ? 1 : 0);
  });
  for (const index of [0, 3]) editors[index]?.edit(insertAt(0, "the first text of all"));
  await settle(store, replicas, editors);
  for (const given of steps) {
    const editor = editors[given.client % clientCount];
    const replica = replicas[given.replica % replicaCount];
    if (!editor || !replica) continue;
    if (given.kind === "edit") editor.edit(deltaOf(given));
    else if (given.kind === "upload") editor.upload(given.size);
    else if (given.kind === "download") editor.download(given.size * 2);
    else if (given.kind === "commit") replica.commit();
    else if (given.kind === "hear") replica.hear(false);
    else if (given.kind === "lose") replica.hear(true);
    else if (given.kind === "compare") replica.compare();
    else if (given.kind === "drop") editor.drop();
    else if (given.kind === "connect") editor.connect(replica);
    else if (given.kind === "refuse") replica.refuse();
    else if (given.kind === "resume") editor.resume();
    else if (given.kind === "away") store.isAway = true;
    else if (given.kind === "fail") store.fails = given.size % 2 === 0 ? "before" : "after";
    else await store.writeSnapshot(editor.documentId);
    if (given.kind !== "edit") await pass();
  }
  await settle(store, replicas, editors);
  return { store, replicas, editors };
}

describe("clients of several replicas", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("converge, with each acknowledged operation applied exactly once, however connections and messages are lost", async () => {
    const total = { operations: 0, foreseen: 0, locked: 0, failed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 6 }),
        fc.array(step, { minLength: 10, maxLength: 90, size: "max" }),
        async (replicaCount, clientCount, steps) => {
          const { store, editors } = await play(replicaCount, clientCount, steps);
          for (const { documentId, sync, acknowledged, refused, closeCodes, snapshots, edits, seen } of editors) {
            const operations = store.operationsOf(documentId);
            const document = operations.reduce<Delta>((current, { delta }) => apply(current, delta), []);
            const ids = operations.map(({ clientId, sequence }) => `${clientId}:${sequence}`);
            expect(new Set(ids).size).toBe(ids.length);
            expect(closeCodes.filter((code) => code !== 1013)).toEqual([]);
            expect(snapshots).toBe(1);
            expect({ revision: sync.revision, pending: sync.pendingCount }).toEqual({
              revision: operations.length,
              pending: 0,
            });
            expect(sync.confirmed).toEqual(document);
            expect(sync.text).toBe(textOf(document));
            expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index));
            expect(acknowledged.length + refused.length).toBe(edits);
            for (const { sequence, revision } of acknowledged) {
              const committed = operations[revision - 1];
              expect([committed?.clientId, committed?.sequence]).toEqual([sync.clientId, sequence]);
            }
            const own = operations.filter(({ clientId }) => clientId === sync.clientId).map(({ sequence }) => sequence);
            expect(own).toHaveLength(acknowledged.length);
            expect(own).toEqual(own.toSorted((a, b) => a - b));
            expect(refused.filter((code) => code !== "unavailable" && code !== "superseded")).toEqual([]);
          }
          total.refused += editors.flatMap(({ refused }) => refused).length;
          for (const list of store.documents.values()) total.operations += list.length;
          for (const kind of ["foreseen", "locked", "failed"] as const) total[kind] += store.counts[kind];
        },
      ),
      { numRuns: 1000, seed: 4_2026 },
    );
    expect(total.operations).toBeGreaterThan(5000);
    // Each way a batch can go is taken often.
    expect(Object.entries(total).filter(([, count]) => count < 250)).toEqual([]);
  }, 120_000);
});
