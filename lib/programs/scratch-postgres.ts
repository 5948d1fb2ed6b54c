import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { type ServerAddress, withServer } from "#lib/database/server-connection.ts";
import { findServerPrograms } from "./postgres-programs.ts";
import { initialiseServer, serverCommand } from "./postgres-server.ts";
import { makeScratchFolder } from "./scratch.ts";
import { startServer } from "./scratch-server.ts";

/** A PostgreSQL of one's own on loopback, with nothing in it. */
export type ScratchPostgres = {
  /** Its superuser's address, of the database `postgres`. */
  address: ServerAddress;
  /** The major version that runs. */
  majorVersion: number;
  /** Makes an empty database and gives its address. */
  makeDatabase(name: string): Promise<ServerAddress>;
  /** Stops it and removes all of it. */
  stop(): Promise<void>;
};

export type ScratchPostgresOptions = {
  workDir: string;
  /** The server's major version that is wanted; a newer one is taken when the machine has no such one. */
  majorVersion: number;
  /** Of the server, beside those that a copy wants. */
  settings?: Record<string, string>;
  signal?: AbortSignal;
};

const user = "scratch";

/** What it holds is a copy: nothing is flushed to disk. */
export const scratchSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
  max_connections: "20",
  shared_buffers: "64MB",
  maintenance_work_mem: "64MB",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "1GB",
  autovacuum: "off",
};

/** Starts a PostgreSQL in a temporary folder. Throws an Error that says what to install when there is none that fits. */
export async function startScratchPostgres(options: ScratchPostgresOptions): Promise<ScratchPostgres> {
  const { workDir, majorVersion, settings, signal } = options;
  const programs = findServerPrograms(majorVersion);
  if (!programs) {
    throw new Error(
      `The controller's machine has no PostgreSQL server of version ${majorVersion} or newer to restore into. Install postgresql-${majorVersion} there.`,
    );
  }
  const scratch = await makeScratchFolder(workDir, "postgres");
  const folder = join(scratch.path, "postgres");
  const password = randomBytes(24).toString("base64url");
  try {
    initialiseServer({ programs, folder, user, password, options: ["--no-sync"] });
    const server = await startServer({
      name: "The scratch PostgreSQL",
      folder: scratch,
      command: (port) =>
        serverCommand({ programs, folder, port, options: { ...scratchSettings, ...settings }, diesWithParent: true }),
      ready: /database system is ready to accept connections/,
      portTaken: /could not bind/,
      signal,
    });
    const addressOf = (database: string) => ({
      url: `postgresql://${user}:${password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`,
    });
    return {
      address: addressOf("postgres"),
      majorVersion: programs.majorVersion,
      makeDatabase: async (name) => {
        await withServer(addressOf("postgres"), (client) =>
          client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`),
        );
        return addressOf(name);
      },
      stop: async () => {
        await server.stop();
        await scratch.remove();
      },
    };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}
