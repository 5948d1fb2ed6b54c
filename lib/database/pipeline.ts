import type { Writable } from "node:stream";
import pg from "pg";
import { DomainError } from "#lib/domain/errors.ts";
import type { DatabaseOptions } from "./client.ts";

/** A statement that each connection prepares once, under its name. */
export type Statement = { name: string; text: string };

/** Runs one statement and resolves to its rows. */
export type Sql = <Row extends object>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

/** Settings of a pipeline. */
export type PipelineOptions = DatabaseOptions & {
  /** A connection that does not answer a statement for so long is given up, in milliseconds; 10,000 by default. */
  answerTimeoutMs?: number;
};

/**
 * Connections for the few statements that must be fast under load: prepared, planned once, and sent one behind the other without
 * waiting for answers. They are planned for reaching rows by their keys, because a plan that was made while a table was small would
 * read all of it for the rest of the connection's life. Throws database-unavailable when the server cannot be reached.
 */
export class Pipeline {
  readonly #pool: pg.Pool;

  constructor(url: string, options: PipelineOptions = {}) {
    const { maxConnections = 4, connectTimeoutMs = 5_000, answerTimeoutMs = 10_000, onConnectionLost = () => {} } = options;
    const plans = ["plan_cache_mode=force_generic_plan", "enable_seqscan=off", "enable_hashjoin=off", "enable_mergejoin=off"];
    this.#pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: 60_000,
      query_timeout: answerTimeoutMs,
      options: ["timezone=UTC", "jit=off", ...plans].map((setting) => `-c ${setting}`).join(" "),
      pipeline: true,
    });
    this.#pool.on("error", onConnectionLost);
    // One that breaks between two statements of a transaction would end the process: the next statement tells of it.
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  /** Runs a statement by itself. */
  readonly run: Sql = (statement, values) => this.#hold((client) => send(client, statement, values));

  /**
   * Runs a transaction in two round trips: everything that `read` sends, then everything that `write` sends and the commit. Both must
   * send before they wait for anything.
   */
  transact<Found>(read: (sql: Sql) => Promise<Found>, write: (sql: Sql, found: Found) => Promise<unknown>): Promise<void> {
    return this.#hold(async (client) => {
      const sql: Sql = (statement, values) => send(client, statement, values);
      const [, found] = await together(client, () => Promise.all([sql(begin, []), read(sql)]));
      await together(client, () => Promise.all([write(sql, found), sql(commit, [])]));
    });
  }

  /** Closes its connections. */
  async end(): Promise<void> {
    await this.#pool.end();
  }

  async #hold<T>(run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error) => {
      throw unavailable(error);
    });
    try {
      const result = await run(client);
      client.release();
      return result;
    } catch (error) {
      // Whatever was sent behind a statement that failed is undone with the connection.
      client.release(true);
      throw error;
    }
  }
}

/** Everything that `run` sends goes in one write. */
function together<T>(client: pg.PoolClient, run: () => Promise<T>): Promise<T> {
  const { stream } = (client as pg.PoolClient & { connection: { stream: Writable } }).connection;
  stream.cork();
  try {
    return run();
  } finally {
    stream.uncork();
  }
}

const begin = { name: "begin", text: "BEGIN" };
const commit = { name: "commit", text: "COMMIT" };

async function send<Row extends object>(client: pg.PoolClient, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    const { rows } = await client.query<Row>({ ...statement, values: [...values] });
    return rows;
  } catch (error) {
    throw isJudgement(error) ? error : unavailable(error);
  }
}

/** Whether the server judged a statement, and does not tell of its own end (classes 08, 53 and 57 of SQLSTATE). */
function isJudgement(error: unknown): boolean {
  return error instanceof Error && "severity" in error && "code" in error && !/^(08|53|57)/.test(String(error.code));
}

function unavailable(cause: unknown): DomainError {
  return new DomainError("database-unavailable", "Switchyard's database does not answer; try again in a moment.", {}, { cause });
}
