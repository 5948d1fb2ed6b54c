import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Committer } from "./committer.ts";
import { createPool } from "./database.ts";
import { migrate } from "./migrate.ts";
import { DocumentStore } from "./store.ts";

const logger = createLogger("relay", "silent");
const sockets = new Set<Socket>();
let postgres: TestPostgres;
let pool: pg.Pool;

/** A way to PostgreSQL on which connections can go silent without an end, as when its node dies. */
const way = createServer((near) => {
  const far = connect(Number(new URL(postgres.url).port), "127.0.0.1");
  for (const [from, to] of [[near, far] as const, [far, near] as const]) {
    sockets.add(from);
    from.pipe(to);
    from.on("error", () => {});
    from.on("close", () => to.destroy());
  }
});

function silence(): void {
  for (const socket of sockets) socket.unpipe().pause();
}

beforeAll(async () => {
  postgres = await startPostgres();
  way.listen(0, "127.0.0.1");
  await once(way, "listening");
  const url = new URL(postgres.url);
  url.port = String((way.address() as AddressInfo).port);
  pool = createPool(url.href, logger);
  await migrate(pool);
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await pool?.end();
  await new Promise((resolve) => way.close(resolve));
  await postgres?.remove();
});

it("commits a batch within its patience when every connection has gone silent", async () => {
  const store = new DocumentStore(pool);
  const documentId = randomUUID();
  await store.open(documentId);
  const idle = await Promise.all(Array.from({ length: 8 }, () => pool.connect()));
  for (const client of idle) client.release();
  silence();
  const committer = new Committer({
    commit: (submissions) => store.commit(submissions, { revision: () => 0, recent: () => undefined }),
    onCommitted: () => {},
    batchSize: 100,
    windowMs: 1,
    maxQueuedOperations: 100,
    maxQueuedCharacters: 1000,
    gate: { opens: async () => true, patienceMs: 3000 },
    patienceMs: 10_000,
    logger,
  });
  const operations = [{ sequence: 1, delta: [{ insert: "x" }] }];
  const submission = { documentId, clientId: randomUUID(), actor: "a", base: 0, operations, characters: 1 };
  expect(await committer.submit(submission)).toEqual({ kind: "committed", committed: 1, duplicates: 0 });
}, 30_000);
