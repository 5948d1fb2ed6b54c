import { PrismaClient } from "#lib/database/generated/client.ts";
import { OneAtATimePg } from "./one-at-a-time.ts";

export { Prisma } from "#lib/database/generated/client.ts";

/** Switchyard's own PostgreSQL, through Prisma. */
export type Database = PrismaClient;

/** Settings of the connection pool. */
export type DatabaseOptions = {
  /** How many connections the process may hold; 10 by default. */
  maxConnections?: number;
  /** How long to wait for a connection before giving up, in milliseconds; 5,000 by default. */
  connectTimeoutMs?: number;
  /** Called when an idle connection breaks, e.g. because the server restarts. The pool goes on by itself. */
  onConnectionLost?: (error: Error) => void;
};

/**
 * Makes a client for a `postgresql://` URL. It connects at the first query and again after a lost connection; end it with
 * `$disconnect()`. Every session runs in UTC, because the driver adapter reads timestamptz values as UTC.
 */
export function connectDatabase(url: string, options: DatabaseOptions = {}): Database {
  const { maxConnections = 10, connectTimeoutMs = 5_000, onConnectionLost = () => {} } = options;
  const adapter = new OneAtATimePg(
    {
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: 60_000,
      options: "-c timezone=UTC",
    },
    { onPoolError: onConnectionLost, onConnectionError: onConnectionLost },
  );
  return new PrismaClient({ adapter });
}
