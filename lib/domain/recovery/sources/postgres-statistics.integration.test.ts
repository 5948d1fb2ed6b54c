import { afterAll, beforeAll, expect, test } from "vitest";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import { postgresPart } from "./postgres.ts";
import { postgresFactsSchema } from "./postgres-facts.ts";
import { gatherStatistics, restorePostgres } from "./postgres-restore.ts";
import { ask, pieces, save, startTestServer, type TestServer } from "./test-postgres.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

async function read(address: ServerAddress) {
  const [row] = await ask(
    address,
    `SELECT (SELECT reltuples::int FROM pg_class WHERE relname = 'operations') AS rows,
      (SELECT cardinality(histogram_bounds::text::int[]) FROM pg_stats WHERE tablename = 'operations' AND attname = 'id') AS bounds`,
  );
  return row;
}

test("a database that was swapped in is planned by its true size at once, and by all statistics once they are gathered", async () => {
  const address = await server.makeDatabase("relay");
  await ask(address, "CREATE TABLE operations (id int PRIMARY KEY); INSERT INTO operations SELECT generate_series(1, 20000)");
  const { content, facts } = await save(postgresPart(address, { tables: null }));
  const options = { facts: postgresFactsSchema.parse(facts), address, tables: null, tag: "statistics" };
  await restorePostgres({ ...options, dump: pieces(content) });
  const first = await read(address);
  expect(first?.rows).toBe(20_000);
  expect(first?.bounds).toBeLessThanOrEqual(2);
  await gatherStatistics(address);
  expect(await read(address)).toEqual({ rows: 20_000, bounds: 101 });
});
