import type { Pool, PoolClient } from "pg";
import { apply, type Delta, operationType } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { isTimeout, retireIdle, within } from "./database.ts";
import { inserts, type Submission } from "./ordering.ts";
import { type BatchResult, commitSubmissions, type DocumentMemory, type Placing, type PlacingDatabase } from "./placing.ts";

/** What rooms and sessions need of the store. */
export type DocumentReader = Pick<DocumentStore, "open" | "revisions" | "operationsAfter" | "snapshot" | "writeSnapshot">;

type OperationRow = { revision: string; client_id: string; sequence: string; actor_id: string; delta: Delta };

const columns = "revision, client_id, sequence, actor_id, delta";
/** Short, so that a batch whose connection is dead is tried again while its clients wait. */
const commitTimeoutMs = 2500;
const snapshotPage = 1000;
/** So many a snapshot takes in at a time. */
const snapshotOperations = 5000;
/** Of the text of operations that one query for a client gives. */
const pageBytes = 1024 * 1024;
/** Of what is read to move submissions past; a base that lies further back is too old. */
const historyBytes = 8 * 1024 * 1024;
/** A document whose snapshot has come so far takes no more text, since a client that joins gets all of it. Found without reading it. */
const maxSnapshotBytes = 16 * 1024 * 1024;
const isFull = `octet_length(snapshot) >= ${maxSnapshotBytes}`;

/** Documents and operations in PostgreSQL. The row lock on a document is what decides the order of its operations. */
export class DocumentStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async ping(): Promise<void> {
    await this.#pool.query("SELECT 1 FROM documents LIMIT 1");
  }

  async hasSchema(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ found: boolean }>("SELECT to_regclass('relay_migrations') IS NOT NULL AS found");
    return rows[0]?.found === true;
  }

  /** The revision of a document, which is created if it does not exist. */
  async open(documentId: string): Promise<number> {
    await this.#pool.query("INSERT INTO documents (id) VALUES ($1) ON CONFLICT DO NOTHING", [documentId]);
    return (await this.revisions([documentId])).get(documentId) ?? 0;
  }

  async revisions(documentIds: string[]): Promise<Map<string, number>> {
    const { rows } = await this.#pool.query<{ id: string; revision: string }>(
      "SELECT id, revision FROM documents WHERE id = ANY($1::uuid[])",
      [documentIds],
    );
    return new Map(rows.map(({ id, revision }) => [id, Number(revision)]));
  }

  /** The operations after `revision`: at most `limit` of them and a page's worth of bytes, but always one if there is one. */
  async operationsAfter(documentId: string, revision: number, limit: number): Promise<CommittedOperation[]> {
    const { rows } = await this.#pool.query<OperationRow>({
      name: "operations-after",
      text: walk(">", "ASC"),
      values: [documentId, revision, limit, pageBytes],
    });
    return rows.map(toOperation);
  }

  async snapshot(documentId: string): Promise<{ revision: number; document: Delta }> {
    const { rows } = await this.#pool.query<{ snapshot: string; snapshot_revision: string }>(
      "SELECT snapshot, snapshot_revision FROM documents WHERE id = $1",
      [documentId],
    );
    const row = rows[0];
    return row ? { revision: Number(row.snapshot_revision), document: JSON.parse(row.snapshot) } : { revision: 0, document: [] };
  }

  /**
   * Brings the snapshot up to the newest operations, so that a new client reads few of them. Returns its revision. `read` gives a page
   * of the committed operations after a revision, from memory if they are there.
   */
  async writeSnapshot(
    documentId: string,
    read = (revision: number) => this.operationsAfter(documentId, revision, snapshotPage),
  ): Promise<number> {
    const before = await this.snapshot(documentId);
    let { revision, document } = before;
    while (revision - before.revision < snapshotOperations) {
      const operations = await read(revision);
      const last = operations.at(-1);
      if (!last) break;
      document = operations.reduce((current, { delta }) => apply(current, delta), document);
      revision = last.revision;
    }
    if (revision === before.revision) return revision;
    await this.#pool.query(
      "UPDATE documents SET snapshot = $1, snapshot_revision = $2 WHERE id = $3 AND snapshot_revision = $4 AND revision >= $2",
      [JSON.stringify(document), revision, documentId, before.revision],
    );
    return revision;
  }

  /** Orders and commits submissions, as `commitSubmissions` says. */
  async commit(submissions: Submission[], memory: DocumentMemory): Promise<BatchResult> {
    const database: PlacingDatabase = {
      place: (placings) => place(this.#pool, placings),
      lock: (documentIds, order) => this.#lock(documentIds, order),
    };
    try {
      return await commitSubmissions(submissions, memory, database);
    } catch (error) {
      if (isTimeout(error)) retireIdle(this.#pool).catch(() => {});
      throw error;
    }
  }

  async #lock(...[documentIds, order]: Parameters<PlacingDatabase["lock"]>): Promise<Placing[]> {
    const client = await this.#pool.connect();
    try {
      await client.query(within(commitTimeoutMs, { text: "BEGIN" }));
      const { rows } = await client.query<{ id: string; revision: string; full: boolean }>(
        within(commitTimeoutMs, {
          text: `SELECT id, revision, ${isFull} AS full FROM documents WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
          values: [documentIds],
        }),
      );
      const locked = rows.map(({ id, revision, full }) => ({ documentId: id, revision: Number(revision), isFull: full }));
      const placings = await place(client, await order(locked, (...range) => readHistory(client, ...range)));
      await client.query(within(commitTimeoutMs, { text: "COMMIT" }));
      client.release();
      return placings;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

/** The operations after `after` up to `revision`, or as many of the newest of them as fit into memory's share. */
async function readHistory(
  client: PoolClient,
  documentId: string,
  after: number,
  revision: number,
): Promise<CommittedOperation[]> {
  const { rows } = await client.query<OperationRow>(
    within(commitTimeoutMs, {
      name: "operations-before",
      text: walk("<", "DESC"),
      values: [documentId, revision + 1, revision - after, historyBytes],
    }),
  );
  return rows.map(toOperation).reverse();
}

/**
 * Operations of document $1 from revision $2 on, one after another, until there are $3 of them or the next would make them more
 * than $4 bytes. It reads no further than it gives, however long the operations are.
 */
function walk(beyond: ">" | "<", direction: "ASC" | "DESC"): string {
  const next = (from: string) => `SELECT ${columns}, octet_length(delta::text) AS bytes
    FROM operations WHERE document_id = $1 AND revision ${beyond} ${from} ORDER BY revision ${direction} LIMIT 1`;
  return `WITH RECURSIVE walk AS (
      (${next("$2::bigint")})
      UNION ALL
      SELECT next.revision, next.client_id, next.sequence, next.actor_id, next.delta, walk.bytes + next.bytes
      FROM walk CROSS JOIN LATERAL (${next("walk.revision")}) AS next WHERE walk.bytes + next.bytes <= $4
    )
    SELECT ${columns} FROM walk LIMIT $3`;
}

/** Adds the operations of each document that is, with the same last operation, where they were placed. Returns the placings that hold. */
async function place(client: Pool | PoolClient, placings: Placing[]): Promise<Placing[]> {
  const given = placings.filter(({ ordered }) => ordered.operations.length > 0);
  if (given.length === 0) return placings;
  const added = given.flatMap(({ documentId, ordered }) => ordered.operations.map((operation) => ({ documentId, operation })));
  const operations = added.map(({ operation }) => operation);
  // Rows are locked in the order of their ids, so that replicas do not wait for each other in a circle.
  const { rows } = await client.query<{ id: string }>(
    within(commitTimeoutMs, {
      name: "place-operations",
      text: `WITH locked AS MATERIALIZED (
        SELECT id, revision, ${isFull} AS full FROM documents WHERE id = ANY($8::uuid[]) ORDER BY id FOR UPDATE
      ), placed AS (
        UPDATE documents SET revision = target.after
        FROM unnest($8::uuid[], $9::bigint[], $10::bigint[], $11::boolean[], $12::uuid[], $13::bigint[])
          AS target (id, before, after, grows, client, sequence)
        JOIN locked ON locked.id = target.id AND locked.revision = target.before AND NOT (locked.full AND target.grows)
          AND (target.client IS NULL OR (
            SELECT last.client_id = target.client AND last.sequence = target.sequence
            FROM operations AS last WHERE last.document_id = target.id AND last.revision = target.before))
        WHERE documents.id = target.id
        RETURNING documents.id
      ), added AS (
        INSERT INTO operations (document_id, revision, client_id, sequence, actor_id, operation_type, delta)
        SELECT given.* FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::jsonb[])
          AS given (document_id, revision, client_id, sequence, actor_id, operation_type, delta)
        JOIN placed ON placed.id = given.document_id
      )
      SELECT id FROM placed`,
      values: [
        added.map(({ documentId }) => documentId),
        operations.map(({ revision }) => revision),
        operations.map(({ clientId }) => clientId),
        operations.map(({ sequence }) => sequence),
        operations.map(({ actor }) => actor),
        operations.map(({ delta }) => operationType(delta)),
        operations.map(({ delta }) => JSON.stringify(delta)),
        given.map(({ documentId }) => documentId),
        given.map(({ revision }) => revision),
        given.map(({ revision, ordered }) => revision + ordered.operations.length),
        given.map(({ ordered }) => ordered.operations.some(inserts)),
        given.map(({ last }) => last?.clientId),
        given.map(({ last }) => last?.sequence),
      ],
    }),
  );
  const placed = new Set(rows.map(({ id }) => id));
  return placings.filter(({ documentId, ordered }) => ordered.operations.length === 0 || placed.has(documentId));
}

function toOperation(row: OperationRow): CommittedOperation {
  return {
    revision: Number(row.revision),
    clientId: row.client_id,
    sequence: Number(row.sequence),
    actor: row.actor_id,
    delta: row.delta,
  };
}
