import { createHash } from "node:crypto";
import {
  connectServer,
  databaseNameOf,
  libpqEnvironment,
  type ServerAddress,
  withDatabase,
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
  const dump = counted(options.dump, onProgress);
  const chosen = options.tables ?? facts.chosenTables;
  // A role that may not see the server's own database cannot make one either: then the next question says what is wrong.
  const isMade = await makeMissingDatabase(address).catch(() => false);
  const { pgRestore, psql } = await programsToRestore(facts, await majorVersionOf(address));
  const programs = { pgRestore, psql, address, signal };
  if (chosen !== null) {
    await replaceTables({ ...programs, dump, facts, tables: chosen });
    return { how: "replaced", former: null, message: `The rows of ${chosen.join(", ")} were replaced in one transaction.` };
  }
  const rights = await findRights(address);
  if (!rights.canSwap) {
    await replaceWhole({ ...programs, dump });
    return {
      how: "replaced",
      former: null,
      message: `What ${database} held was replaced in one transaction: ${rights.reason}, so that no copy of it was kept in the server.`,
    };
  }
  const { former } = namesOf(database, options.tag);
  if (await withMaintenance(address, (client) => hasDatabase(client, former))) {
    return { how: "already", former, message: `${database} was restored already; what it held is kept as ${former}.` };
  }
  await restoreBeside(options, dump, pgRestore);
  if (isMade) {
    await dropFormer(address, options.tag);
    return { how: "swapped", former: null, message: `${database} was not there any more; it was made anew and restored.` };
  }
  return { how: "swapped", former, message: `${database} was restored; what it held is kept as ${former}.` };
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
    await runProgram({ command: pgRestore, args, env: libpqEnvironment(into), input: dump, signal });
    await analyse(into);
    await refuseDifferences(into, facts);
    signal?.throwIfAborted();
    await swapDatabases(address, { database, incoming: fresh, outgoing: former });
  } catch (error) {
    await withMaintenance(address, (client) => dropDatabase(client, fresh)).catch(() => {});
    throw error;
  }
}

/** Without statistics the first queries after a restore would be planned blindly. */
async function analyse(address: ServerAddress): Promise<void> {
  const client = await connectServer(address);
  try {
    await client.query("SET statement_timeout = 0");
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

async function majorVersionOf(address: ServerAddress): Promise<number> {
  const client = await connectServer(address);
  try {
    const { rows } = await client.query<{ number: number }>("SELECT current_setting('server_version_num')::int AS number");
    return Math.floor((rows[0]?.number ?? 0) / 10_000);
  } finally {
    await client.end().catch(() => {});
  }
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
