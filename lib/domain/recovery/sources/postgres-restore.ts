import { createHash } from "node:crypto";
import type pg from "pg";
import {
  connectPatiently,
  databaseNameOf,
  libpqEnvironment,
  type ServerAddress,
  withDatabase,
  withServer,
} from "#lib/database/server-connection.ts";
import { runProgram } from "#lib/programs/program.ts";
import { DomainError } from "../../errors.ts";
import { programsToRestore } from "./postgres.ts";
import { comparePostgres } from "./postgres-comparison.ts";
import type { PostgresFacts } from "./postgres-facts.ts";
import { replaceTables, replaceWhole } from "./postgres-in-transaction.ts";
import {
  dropDatabase,
  findRights,
  hasDatabase,
  makeLikeDatabase,
  makeMissingDatabase,
  type Rights,
  swapDatabases,
  withMaintenance,
} from "./postgres-swap.ts";

export type RestorePostgresOptions = {
  dump: AsyncIterable<Uint8Array>;
  facts: PostgresFacts;
  address: ServerAddress;
  /** "schema.table"; null for the whole. */
  tables: string[] | null;
  /** The restore's id: an earlier try with it is found again. */
  tag: string;
  /** Bytes of the dump so far. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
};

/**
 * How it was done. swapped: restored into a fresh database that took the name of the present one, which is kept as `former`.
 * replaced: in one transaction inside the present database (chosen tables, or a role that may not create databases).
 * already: an earlier try with this tag had swapped; the dump was not read.
 */
export type PostgresRestoration = { how: "swapped" | "replaced" | "already"; former: string | null; message: string };

/**
 * Puts a database back to what the dump holds. Until the last moment the present is as it was: when this throws, nothing was
 * changed. Everybody's connections to the database are ended at that moment. Repeatable after a kill at any instant.
 * Throws DomainError precondition-failed with what to do, and ProgramError with what PostgreSQL said.
 */
export async function restorePostgres(options: RestorePostgresOptions): Promise<PostgresRestoration> {
  const { facts, address, onProgress = () => {}, signal } = options;
  const database = databaseNameOf(address);
  const { former } = namesOf(database, options.tag);
  const dump = counted(options.dump, onProgress);
  const chosen = options.tables ?? facts.chosenTables;
  const server = await readServer(address, { database, former });
  const { isMade } = server;
  const { pgRestore, psql } = await programsToRestore(facts, server.majorVersion);
  const programs = { pgRestore, psql, address, signal };
  if (chosen !== null) {
    await replaceTables({ ...programs, dump, facts, tables: chosen });
    return { how: "replaced", former: null, message: `The rows of ${chosen.join(", ")} were replaced in one transaction.` };
  }
  if (!server.rights.canSwap) {
    await replaceWhole({ ...programs, dump });
    return {
      how: "replaced",
      former: null,
      message: `What ${database} held was replaced in one transaction: ${server.rights.reason}, so that no copy of it was kept in the server.`,
    };
  }
  if (server.isSwapped) {
    return { how: "already", former, message: `${database} was restored already; what it held is kept as ${former}.` };
  }
  await restoreBeside(options, dump, pgRestore);
  if (isMade) {
    await dropFormer(address, options.tag);
    return { how: "swapped", former: null, message: `${database} was not there any more; it was made anew and restored.` };
  }
  return { how: "swapped", former, message: `${database} was restored; what it held is kept as ${former}.` };
}

type Server = { majorVersion: number; rights: Rights; isMade: boolean; isSwapped: boolean };

/** What there is and what may be done, on one connection to the server and one to the database, which is made where it is missing. */
async function readServer(address: ServerAddress, names: { database: string; former: string }): Promise<Server> {
  // A role that may not see the server's own database cannot make one either: then the next question says what is wrong.
  const seen = await withMaintenance(address, async (client) => ({
    isMade: await makeMissingDatabase(client, names.database).catch(() => false),
    isSwapped: await hasDatabase(client, names.former),
  })).catch((error: Error) => error.message);
  const own = await withServer(address, async (client) => ({
    majorVersion: await majorVersionOf(client),
    rights: await findRights(client),
  }));
  if (typeof seen !== "string") return { ...own, ...seen };
  const closed: Rights = { canSwap: false, reason: `its server's own database is closed to it (${seen})` };
  return { ...own, rights: own.rights.canSwap ? closed : own.rights, isMade: false, isSwapped: false };
}

/** Whether a restore with this tag has swapped: the name of the former database, or null. */
export async function findFormer(address: ServerAddress, tag: string): Promise<string | null> {
  const { former } = namesOf(databaseNameOf(address), tag);
  return (await withMaintenance(address, (client) => hasDatabase(client, former))) ? former : null;
}

/** Lets the former database of a restore go, and what a killed try left half-written. Absent is fine. */
export async function dropFormer(address: ServerAddress, tag: string): Promise<void> {
  const { fresh, former } = namesOf(databaseNameOf(address), tag);
  await withMaintenance(address, async (client) => {
    for (const name of [fresh, former]) await dropDatabase(client, name);
  });
}

/** Gives the name back to the former database, and drops the restored one. False when there is no former one. */
export async function undoSwap(address: ServerAddress, tag: string): Promise<boolean> {
  const database = databaseNameOf(address);
  const { fresh, former } = namesOf(database, tag);
  return withMaintenance(address, async (client) => {
    const isSwapped = await hasDatabase(client, former);
    if (isSwapped) await swapDatabases(address, { database, incoming: former, outgoing: fresh });
    await dropDatabase(client, fresh);
    return isSwapped;
  });
}

async function restoreBeside(options: RestorePostgresOptions, dump: AsyncIterable<Uint8Array>, pgRestore: string): Promise<void> {
  const { facts, address, signal } = options;
  const database = databaseNameOf(address);
  const { fresh, former } = namesOf(database, options.tag);
  const { isSuperuser } = await withMaintenance(address, async (client) => {
    // A try that was killed may still be making it: its session holds this lock until that has ended.
    await client.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [fresh]);
    await dropDatabase(client, fresh);
    return makeLikeDatabase(client, { like: database, name: fresh });
  });
  const into = withDatabase(address, fresh);
  try {
    const owner = isSuperuser ? [] : ["--no-owner"];
    const args = [`--dbname=${fresh}`, "--exit-on-error", "--no-password", ...owner];
    // Nobody waits for its single steps: the swap, whose commit is flushed, takes all that came before it to the disk.
    const env = { ...libpqEnvironment(into), PGOPTIONS: "-c synchronous_commit=off" };
    await runProgram({ command: pgRestore, args, env, input: dump, signal });
    await Promise.all([gatherStatistics(into, firstTarget), refuseDifferences(into, facts)]);
    signal?.throwIfAborted();
    await swapDatabases(address, { database, incoming: fresh, outgoing: former });
  } catch (error) {
    await withMaintenance(address, (client) => dropDatabase(client, fresh)).catch(() => {});
    throw error;
  }
}

/** Enough to know how large everything is: 300 rows a table. As PostgreSQL's own vacuumdb --analyze-in-stages begins. */
const firstTarget = 1;

/**
 * Gathers the statistics by which queries are planned; a database that was swapped in has a first few only. With `target` so many
 * values a column, else as many as the server is set to.
 */
export async function gatherStatistics(address: ServerAddress, target?: number): Promise<void> {
  const client = await connectPatiently(address);
  try {
    await client.query("SET statement_timeout = 0");
    if (target !== undefined) await client.query(`SET default_statistics_target = ${target}`);
    await client.query("ANALYZE");
  } finally {
    await client.end().catch(() => {});
  }
}

async function refuseDifferences(address: ServerAddress, facts: PostgresFacts): Promise<void> {
  const [first, ...others] = (await comparePostgres(address, facts)).filter(({ passed }) => !passed);
  if (!first) return;
  const more = others.length > 0 ? ` (and ${others.length} more tables differ)` : "";
  throw new DomainError(
    "precondition-failed",
    `What was restored is not what was saved: ${first.name} has ${first.found} instead of ${first.wanted}${more}. The database was left as it was.`,
  );
}

async function majorVersionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ number: number }>("SELECT current_setting('server_version_num')::int AS number");
  return Math.floor((rows[0]?.number ?? 0) / 10_000);
}

/** Names that a repeated try finds again; PostgreSQL cuts names after 63 bytes. */
function namesOf(database: string, tag: string): { fresh: string; former: string } {
  const short = Buffer.from(database)
    .subarray(0, 36)
    .toString()
    .replace(/\uFFFD$/, "");
  const mark = createHash("sha256").update(tag).digest("hex").slice(0, 12);
  return { fresh: `${short}_restore_${mark}`, former: `${short}_before_${mark}` };
}

async function* counted(dump: AsyncIterable<Uint8Array>, onProgress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of dump) {
    bytes += piece.length;
    onProgress(bytes);
    yield piece;
  }
}
