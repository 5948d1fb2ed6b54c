import { type ServerAddress, withServer } from "#lib/database/server-connection.ts";

const fillTimeoutMs = 600_000;
const megabyte = 1_000_000;
/** Rows of operations that one document has, each of about 400 bytes. */
const operationsADocument = 500;

/** Fills a database as relay's are: documents, and what was done to each as JSON. Resolves to the bytes of its tables and their indexes. */
export async function fillDatabase(address: ServerAddress, megabytes: number): Promise<number> {
  return withServer(
    address,
    async (client) => {
      await client.query(`
        CREATE TABLE documents (id bigserial PRIMARY KEY, title text NOT NULL);
        CREATE TABLE operations (
          document_id bigint NOT NULL REFERENCES documents (id), revision bigint NOT NULL, delta jsonb NOT NULL,
          made_at timestamptz NOT NULL, PRIMARY KEY (document_id, revision)
        );`);
      for (;;) {
        const { rows } = await client.query<{ bytes: string }>("SELECT pg_total_relation_size('operations') AS bytes");
        const missing = megabytes * megabyte - Number(rows[0]?.bytes ?? 0);
        if (missing < 0.02 * megabytes * megabyte) return Number(rows[0]?.bytes ?? 0);
        const documents = Math.max(1, Math.floor(missing / (operationsADocument * 500)));
        await client.query(
          `WITH made AS (INSERT INTO documents (title) SELECT 'Document ' || n FROM generate_series(1, $1::int) n RETURNING id)
           INSERT INTO operations
           SELECT id, n, jsonb_build_array(jsonb_build_object('retain', n), jsonb_build_object('insert',
             (SELECT string_agg(md5(random()::text), ' word ') FROM generate_series(1, 7) WHERE n > 0))), now()
           FROM made, generate_series(1, $2::int) n`,
          [documents, operationsADocument],
        );
      }
    },
    fillTimeoutMs,
  );
}
