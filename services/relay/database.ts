import pg, { type QueryConfig } from "pg";
import type { Logger } from "#lib/runtime/logger.ts";

/** Connections to PostgreSQL, with the pool sizes of the guide. A connection that fails, in use or idle, is logged and replaced. */
export function createPool(url: string, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 20,
    idleTimeoutMillis: 600_000,
    maxLifetimeSeconds: 1800,
    connectionTimeoutMillis: 3000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: 10_000,
    application_name: "relay",
  });
  const onError = (error: Error) => logger.warn({ err: error }, "a connection to PostgreSQL failed");
  pool.on("error", () => {});
  // The pool does not listen to a connection that is in use, and an error without a listener would end the process.
  pool.on("connect", (client) => client.on("error", onError));
  return pool;
}

/** The query with a time of its own, after which it rejects and its connection is ended. */
export function within<Q extends QueryConfig>(timeoutMs: number, query: Q): Q & { query_timeout: number } {
  return { ...query, query_timeout: timeoutMs };
}

/** Whether a query has had no answer in time: the other connections may be as dead as its own. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** Ends the connections that nobody uses. */
export async function retireIdle(pool: pg.Pool): Promise<void> {
  while (pool.idleCount > 0) (await pool.connect()).release(true);
}
