import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { textOf } from "#lib/protocol/relay-delta.ts";
import { startPostgres, type TestPostgres } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createPool } from "./database.ts";
import { migrate } from "./migrate.ts";
import { DocumentStore } from "./store.ts";

const mebibyte = 1024 * 1024;
const clientId = randomUUID();
let postgres: TestPostgres;
let pool: pg.Pool;
let store: DocumentStore;
let documentId: string;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = createPool(postgres.url, createLogger("relay", "silent"));
  store = new DocumentStore(pool);
  await migrate(pool);
});

afterAll(async () => {
  await pool?.end();
  await postgres?.remove();
});

beforeEach(async () => {
  documentId = randomUUID();
  await store.open(documentId);
});

/** A history of `count` operations, each of which puts `length` letters, the same or different ones, at the end. */
async function makeHistory(count: number, length: number, letter = "'x'"): Promise<void> {
  await pool.query(
    `INSERT INTO operations (document_id, revision, client_id, sequence, actor_id, operation_type, delta)
     SELECT $1, n, $2, n, 'a', 'insert', jsonb_build_array(jsonb_build_object('insert', repeat(${letter}, $4)))
     FROM generate_series(1, $3::int) AS n`,
    [documentId, clientId, count, length],
  );
  await pool.query("UPDATE documents SET revision = $2 WHERE id = $1", [documentId, count]);
}

const noneInMemory = { revision: () => undefined, recent: () => undefined };
const submission = (base: number, sequence: number) => ({
  documentId,
  clientId: randomUUID(),
  actor: "a",
  base,
  operations: [{ sequence, delta: [{ insert: "new" }] }],
  characters: 100,
});

describe("a page of the history", () => {
  it("has as many operations as were asked for when they are short, in order", async () => {
    await makeHistory(700, 10);
    const page = await store.operationsAfter(documentId, 100, 500);
    expect(page.map(({ revision }) => revision)).toEqual(Array.from({ length: 500 }, (_, index) => 101 + index));
    expect(page[0]).toEqual({ revision: 101, clientId, sequence: 101, actor: "a", delta: [{ insert: "x".repeat(10) }] });
    expect(await store.operationsAfter(documentId, 700, 500)).toEqual([]);
  });

  it("has at most a mebibyte of text when they are long, also where PostgreSQL has packed it small", async () => {
    await makeHistory(60, 100_000);
    const seen: number[] = [];
    while (seen.length < 60) {
      const page = await store.operationsAfter(documentId, seen.length, 500);
      expect(page.length).toBe(Math.min(10, 60 - seen.length));
      expect(JSON.stringify(page).length).toBeLessThan(1.01 * mebibyte);
      for (const { revision } of page) seen.push(revision);
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  it("counts bytes, not letters", async () => {
    await makeHistory(60, 100_000, "'\u20ac'");
    expect(await store.operationsAfter(documentId, 0, 500)).toHaveLength(3);
  });

  it("has one operation when that is longer than a page", async () => {
    await makeHistory(3, 2 * mebibyte);
    expect((await store.operationsAfter(documentId, 1, 500)).map(({ revision }) => revision)).toEqual([2]);
  });
});

describe("what is moved past others", () => {
  it("is refused as too old when they are more than 8 MiB, and what was made later is committed", async () => {
    await makeHistory(100, 100_000);
    const { outcomes, documents } = await store.commit([submission(0, 1), submission(50, 1)], noneInMemory);
    expect(outcomes[0]).toMatchObject({ kind: "refused", reason: "revision 0 is too old; join again" });
    expect(outcomes[1]).toEqual({ kind: "committed", committed: 1, duplicates: 0 });
    expect(documents.get(documentId)?.revision).toBe(101);
    const moved = [{ retain: 50 * 100_000 }, { insert: "new" }];
    expect(await store.operationsAfter(documentId, 100, 1)).toMatchObject([{ revision: 101, delta: moved }]);
  });

  it("is refused as too old when they are more than 1,000", async () => {
    await makeHistory(1002, 1);
    const { outcomes } = await store.commit([submission(1, 1), submission(2, 1)], noneInMemory);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["refused", "committed"]);
  });
});

describe("two replicas that write the same documents at the same time", () => {
  it("number the operations without a gap, also when each foresees places that the other has taken", async () => {
    const documents = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of documents) await store.open(id);
    const write = async (client: string, order: string[]) => {
      const known = new Map(order.map((id) => [id, 0]));
      for (let sequence = 1; sequence <= 30; sequence += 1) {
        // What it remembers is often out of date.
        const memory = { revision: (id: string) => known.get(id), recent: () => undefined };
        const batch = order.map((id) => ({ ...submission(known.get(id) ?? 0, sequence), documentId: id, clientId: client }));
        const result = await store.commit(batch, memory);
        expect(result.outcomes).toEqual(batch.map(() => ({ kind: "committed", committed: 1, duplicates: 0 })));
        for (const [id, { revision }] of result.documents) known.set(id, revision);
      }
    };
    const others = Array.from({ length: 2 }, (_, index) => write(randomUUID(), index === 0 ? documents : documents.toReversed()));
    await Promise.all(others);
    for (const id of documents) {
      const revisions = (await store.operationsAfter(id, 0, 500)).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      expect((await store.revisions([id])).get(id)).toBe(60);
    }
  });

  it("do not add an operation again that one of them has committed and the other submits from memory", async () => {
    const given = { ...submission(0, 1), documentId };
    const memory = { revision: () => 0, recent: () => undefined };
    await store.commit([given], memory);
    const { outcomes, documents } = await store.commit([given], memory);
    expect(outcomes).toEqual([{ kind: "committed", committed: 0, duplicates: 1 }]);
    expect(documents.get(documentId)).toMatchObject({ revision: 1, history: [{ revision: 1, sequence: 1 }], operations: [] });
  });
});

describe("a document with a snapshot of 16 MiB", () => {
  it.each([
    ["from memory", { revision: () => 2, recent: () => [] }],
    ["under its lock", noneInMemory],
  ])("takes no more text, but what makes it shorter, %s", async (_, memory) => {
    await makeHistory(2, 1);
    await pool.query("UPDATE documents SET snapshot = repeat('x', 16 * 1024 * 1024) WHERE id = $1", [documentId]);
    const remove = { ...submission(2, 1), operations: [{ sequence: 1, delta: [{ delete: 1 }] }] };
    const { outcomes } = await store.commit([submission(2, 1), remove], memory);
    expect(outcomes).toMatchObject([
      { kind: "refused", code: "too_complex", reason: expect.stringMatching(/full/), sequences: [1] },
      { kind: "committed", committed: 1 },
    ]);
    expect((await store.commit([{ ...remove, base: 3, clientId: randomUUID() }], memory)).outcomes[0]?.kind).toBe("committed");
  });
});

describe("a document that went back and has come as far again with other operations", () => {
  it.each([0, 2])("is ordered by what it has, not by what memory has, for a submission made on revision %i", async (base) => {
    await makeHistory(2, 5);
    const ofMemory = [1, 2].map((revision) => {
      return { revision, clientId: randomUUID(), sequence: 7, actor: "a", delta: [{ insert: "of another time" }] };
    });
    const memory = { revision: () => 2, recent: (_: string, after: number, upTo: number) => ofMemory.slice(after, upTo) };
    const { documents, outcomes } = await store.commit([submission(base, 1)], memory);
    expect(outcomes[0]?.kind).toBe("committed");
    const { history, operations } = documents.get(documentId) ?? {};
    expect(history?.map((operation) => operation.clientId)).toEqual(base === 0 ? [clientId, clientId] : []);
    expect(operations?.[0]?.delta).toEqual(base === 0 ? [{ retain: 10 }, { insert: "new" }] : [{ insert: "new" }]);
  });

  it("is committed to by one statement when memory has its last operation", async () => {
    await makeHistory(2, 5);
    const read = await store.operationsAfter(documentId, 0, 10);
    const recent = (_: string, after: number, upTo: number) => read.slice(after, upTo);
    const connect = vi.spyOn(pool, "connect");
    const { outcomes } = await store.commit([submission(0, 1)], { revision: () => 2, recent });
    expect(outcomes[0]?.kind).toBe("committed");
    const clients = await Promise.all(connect.mock.results.map(({ value }) => value));
    expect(clients.filter(Boolean)).toEqual([]);
    connect.mockRestore();
  });
});

describe("a snapshot", () => {
  it("takes in a long history page by page, and is written once", async () => {
    await makeHistory(2500, 2);
    expect(await store.writeSnapshot(documentId)).toBe(2500);
    const { revision, document } = await store.snapshot(documentId);
    expect(revision).toBe(2500);
    expect(textOf(document)).toBe("x".repeat(5000));
    expect(await store.writeSnapshot(documentId)).toBe(2500);
  });
});
