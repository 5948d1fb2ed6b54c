import { randomUUID } from "node:crypto";
import pg from "pg";

const columns = 7;

/**
 * What PostgreSQL itself does with the relay's rows, in a table with the columns, the keys and the index of the relay's
 * operations: committed one by one, and in batches of 100 by one statement.
 */
export class DatabasePeer {
  readonly #client: pg.Client;
  #revision = 0;

  constructor(url: string) {
    this.#client = new pg.Client(url);
  }

  async open(): Promise<void> {
    await this.#client.connect();
    await this.#client.query("CREATE TABLE IF NOT EXISTS bench_operations (LIKE operations INCLUDING ALL)");
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  /** Rows a second when a statement, which commits by itself, has so many. */
  async rowsPerSecond(rows: number, ms: number): Promise<number> {
    const [document, client] = [randomUUID(), randomUUID()];
    const startedAt = performance.now();
    let done = 0;
    while (performance.now() - startedAt < ms) {
      const lists: unknown[][] = Array.from({ length: columns }, () => []);
      for (let index = 0; index < rows; index += 1) {
        this.#revision += 1;
        const row = [document, this.#revision, client, this.#revision, "test", "insert", '[{"insert":"a stroke"}]'];
        for (const [column, value] of row.entries()) lists[column]?.push(value);
      }
      await this.#client.query({
        name: "bench",
        text: `INSERT INTO bench_operations (document_id, revision, client_id, sequence, actor_id, operation_type, delta)
          SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::jsonb[])`,
        values: lists,
      });
      done += rows;
    }
    return (done * 1000) / (performance.now() - startedAt);
  }
}

/** Makes a document with a history of so many operations, the last snapshot 500 of them ago, as the relay would have left it. */
export async function makeHistory(url: string, operations: number): Promise<string> {
  const document = randomUUID();
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query("INSERT INTO documents (id, revision, snapshot, snapshot_revision) VALUES ($1, $2, $3, $4)", [
      document,
      operations,
      JSON.stringify([{ insert: "text ".repeat(1000) }]),
      operations - 500,
    ]);
    await client.query(
      `INSERT INTO operations (document_id, revision, client_id, sequence, actor_id, operation_type, delta)
       SELECT $1, n, $2, n, 'test', 'insert', CASE n % 2 WHEN 1 THEN '[{"insert":"a stroke"}]'::jsonb ELSE '[{"delete":8}]'::jsonb END
       FROM generate_series(1, $3::int) AS n`,
      [document, randomUUID(), operations],
    );
    await client.query("ANALYZE operations");
  } finally {
    await client.end();
  }
  return document;
}
