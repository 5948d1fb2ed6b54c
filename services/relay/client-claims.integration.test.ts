import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { ClientClaims } from "./client-claims.ts";
import { createPool } from "./database.ts";
import { migrate } from "./migrate.ts";

let postgres: TestPostgres;
let pool: pg.Pool;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = createPool(postgres.url, createLogger("relay", "silent"));
  await migrate(pool);
});

afterAll(async () => {
  await pool?.end();
  await postgres?.remove();
});

describe("a client id of a document", () => {
  it("is the first user's who claims it, on every replica, and only of that document", async () => {
    const [here, there] = [new ClientClaims(pool), new ClientClaims(pool)];
    const claim = { documentId: randomUUID(), clientId: randomUUID(), actor: "alice" };
    expect(await here.claim(claim)).toBe(true);
    expect(await there.claim({ ...claim, actor: "mallory" })).toBe(false);
    expect(await there.claim(claim)).toBe(true);
    expect(await there.claim({ ...claim, documentId: randomUUID(), actor: "mallory" })).toBe(true);
  });

  it("is one user's when many claim it at the same time on two replicas", async () => {
    const [here, there] = [new ClientClaims(pool), new ClientClaims(pool)];
    const ids = Array.from({ length: 50 }, () => ({ documentId: randomUUID(), clientId: randomUUID() }));
    const alices = Promise.all(ids.map((id) => here.claim({ ...id, actor: "alice" })));
    const mallorys = Promise.all(ids.toReversed().map((id) => there.claim({ ...id, actor: "mallory" })));
    const [own, others] = [await alices, (await mallorys).toReversed()];
    expect(own.map((isAlices, index) => isAlices !== others[index])).toEqual(ids.map(() => true));
  });

  it("is the user's who has written under it before there were claims", async () => {
    const claim = { documentId: randomUUID(), clientId: randomUUID() };
    await pool.query("INSERT INTO documents (id, revision) VALUES ($1, 1)", [claim.documentId]);
    await pool.query("INSERT INTO operations VALUES ($1, 1, $2, 1, 'alice', 'insert', '[]')", [claim.documentId, claim.clientId]);
    await pool.query("DROP TABLE document_clients");
    await pool.query(await readFile(new URL("./migrations/002_document_clients.sql", import.meta.url), "utf8"));
    expect(await new ClientClaims(pool).claim({ ...claim, actor: "mallory" })).toBe(false);
    expect(await new ClientClaims(pool).claim({ ...claim, actor: "alice" })).toBe(true);
  });
});
