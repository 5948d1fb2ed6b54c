import type pg from "pg";
import {
  connectPatiently,
  databaseNameOf,
  libpqEnvironment,
  type ServerAddress,
  serverName,
} from "#lib/database/server-connection.ts";
import { findPostgresPrograms, type PostgresPrograms } from "#lib/programs/postgres-programs.ts";
import { streamProgram } from "#lib/programs/program.ts";
import { DomainError } from "../../errors.ts";
import type { ArchivePart, PartSource } from "../archive/pack.ts";
import type { PostgresFacts } from "./postgres-facts.ts";
import { countTable, listTables, tableName } from "./postgres-tables.ts";

export type PostgresSelection = {
  /** "table" (of the schema public) or "schema.table"; null for all of the database. */
  tables: string[] | null;
};

/** One transaction that everything is read in: pg_dump takes its snapshot over. */
type Snapshot = { id: string; serverVersion: string; majorVersion: number; walPosition: string; at: Date; databaseBytes: number };

/**
 * The part "postgres": one file DATABASE.dump, pg_dump's custom format, and PostgresFacts of the very same snapshot. Opening it
 * throws precondition-failed where the machine has no pg_dump that fits, or a chosen table is not there.
 */
export function postgresPart(address: ServerAddress, selection: PostgresSelection): PartSource {
  return {
    name: "postgres",
    title: `PostgreSQL ${databaseNameOf(address)}`,
    open: (signal) => openPart(address, selection, signal),
  };
}

/** The file's name in an archive: segments have letters, digits, ".", "_" and "-" only. */
export function dumpName(database: string): string {
  return `${database.replaceAll(/[^A-Za-z0-9_-]/g, "_")}.dump`;
}

async function openPart(address: ServerAddress, selection: PostgresSelection, signal: AbortSignal): Promise<ArchivePart> {
  const client = await connectPatiently(address).catch((error: Error) => {
    throw new DomainError(
      "precondition-failed",
      `${serverName(address)} does not answer: ${error.message}`,
      {},
      { cause: error },
    );
  });
  const close = () => client.end().catch(() => {});
  try {
    const snapshot = await beginSnapshot(client);
    const programs = await programsFor(snapshot.majorVersion);
    const tables = await listTables(client, selection.tables);
    const isChosen = selection.tables !== null;
    const names = new Set(tables.map(tableName));
    const left = isChosen ? (await listTables(client, null)).filter((table) => !names.has(tableName(table))) : [];
    // Counted while pg_dump writes: both wait for the same disk, and neither for the other.
    const counted = countAll(client, tables);
    counted.catch(() => {});
    const dump = (fileSignal: AbortSignal) =>
      streamProgram({
        command: programs.pgDump,
        args: dumpArguments(snapshot.id, left),
        env: libpqEnvironment(address),
        signal: AbortSignal.any([signal, fileSignal]),
      });
    return {
      files: [{ name: dumpName(databaseNameOf(address)), open: dump }],
      facts: async (): Promise<PostgresFacts> => ({
        serverVersion: snapshot.serverVersion,
        majorVersion: snapshot.majorVersion,
        dumpVersion: programs.version,
        database: databaseNameOf(address),
        chosenTables: isChosen ? [...names] : null,
        tables: await counted,
        walPosition: snapshot.walPosition,
        snapshotAt: snapshot.at.toISOString(),
        databaseBytes: snapshot.databaseBytes,
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function beginSnapshot(client: pg.Client): Promise<Snapshot> {
  await client.query("SET TIME ZONE 'UTC'");
  // A server with time limits would end a transaction that lasts as long as the dump.
  await client.query("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0");
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const { rows } = await client.query<{ id: string; version: string; number: number; wal: string; at: Date; bytes: string }>(
    `SELECT pg_export_snapshot() AS id, current_setting('server_version') AS version,
      current_setting('server_version_num')::int AS number, clock_timestamp() AS at,
      pg_database_size(current_database()) AS bytes,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS wal`,
  );
  const [row] = rows;
  if (!row) throw new Error("PostgreSQL gave no snapshot.");
  const { id, version, number, wal, at, bytes } = row;
  return {
    id,
    serverVersion: version.split(" ")[0] ?? version,
    majorVersion: Math.floor(number / 10_000),
    walPosition: wal,
    at,
    databaseBytes: Number(bytes),
  };
}

/** Client programs that read a server of this major version. Throws precondition-failed with what to install. */
export async function programsFor(majorVersion: number): Promise<PostgresPrograms> {
  const programs = await findPostgresPrograms(majorVersion);
  if (programs) return programs;
  throw new DomainError(
    "precondition-failed",
    `The database runs PostgreSQL ${majorVersion}, and the controller's machine has no pg_dump of that version or a newer one. Install postgresql-client-${majorVersion} there.`,
  );
}

/** Programs that read the dump; its own version's or newer ones, and no older than the server that it goes into. */
export function programsToRestore(facts: PostgresFacts, serverVersion = 0): Promise<PostgresPrograms> {
  return programsFor(Math.max(facts.majorVersion, Number.parseInt(facts.dumpVersion, 10), serverVersion));
}

async function countAll(client: pg.Client, tables: Awaited<ReturnType<typeof listTables>>): Promise<PostgresFacts["tables"]> {
  const counted: PostgresFacts["tables"] = [];
  for (const table of tables) counted.push(await countTable(client, table));
  return counted;
}

/**
 * All definitions, so that it can be restored by itself, and the rows of all tables but those that are left out. Packed lightly: zlib
 * is what pg_dump waits for, and its usual level takes three times as long for a few per cent less.
 */
function dumpArguments(snapshot: string, left: { schema: string; name: string }[]): string[] {
  const excluded = left.map(({ schema, name }) => `--exclude-table-data=${quoted(schema)}.${quoted(name)}`);
  return ["--format=custom", "--compress=1", `--snapshot=${snapshot}`, "--no-password", "--encoding=UTF8", ...excluded];
}

/** Quoted, a name is no pattern. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
