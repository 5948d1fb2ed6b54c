import pg from "pg";
import { libpqEnvironment, type ServerAddress, withServer } from "#lib/database/server-connection.ts";
import { runProgram, streamProgram } from "#lib/programs/program.ts";
import { DomainError } from "../../errors.ts";
import type { PostgresFacts } from "./postgres-facts.ts";
import { fullName } from "./postgres-tables.ts";

type InTransaction = {
  pgRestore: string;
  psql: string;
  address: ServerAddress;
  dump: AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
};

/** Somebody who holds a table is waited for no longer than this; then all of it is taken back. */
const lockTimeout = "-c lock_timeout=60s -c statement_timeout=0";

/** Replaces everything in a database in one transaction. Throws ProgramError; then nothing was changed. */
export async function replaceWhole({ pgRestore, address, dump, signal }: InTransaction): Promise<void> {
  const args = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-password"];
  const env = libpqEnvironment(address);
  await runProgram({
    command: pgRestore,
    args: [...args, `--dbname=${env.PGDATABASE}`],
    env: { ...env, PGOPTIONS: lockTimeout },
    input: dump,
    signal,
  });
  await withServer(address, (client) => client.query("ANALYZE"), 10 * 60_000);
}

/**
 * Replaces the rows of chosen tables in one transaction; their triggers do not see it. Throws precondition-failed for tables that
 * the dump or the database has not, or that others refer to, and ProgramError; then nothing was changed.
 */
export async function replaceTables(options: InTransaction & { facts: PostgresFacts; tables: string[] }): Promise<void> {
  const { pgRestore, psql, address, dump, facts, signal } = options;
  const names = options.tables.map(fullName);
  const parts = names.map(splitName);
  refuseUnsaved(names, parts, facts);
  const { before, after } = await prepare(address, names);
  const schemas = [...new Set(parts.map(({ schema }) => schema))].map((schema) => `--schema=${schema}`);
  const chosen = [...new Set(parts.map(({ name }) => name))].map((name) => `--table=${name}`);
  const rows = streamProgram({
    command: pgRestore,
    args: ["--data-only", "--file=-", ...schemas, ...chosen],
    input: dump,
    signal,
  });
  await runProgram({
    command: psql,
    args: ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--no-password", "--file=-"],
    env: { ...libpqEnvironment(address), PGOPTIONS: lockTimeout },
    input: script(before, rows, after),
    signal,
  });
  await withServer(address, (client) => client.query(`ANALYZE ${parts.map(sqlName).join(", ")}`), 10 * 60_000);
}

async function* script(before: string[], rows: AsyncIterable<Uint8Array>, after: string[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${before.join(";\n")};\n`);
  yield* rows;
  yield Buffer.from(`\n${after.join(";\n")};\n`);
}

/** pg_restore picks schemas and names apart: what both pick has to be what was chosen. */
function refuseUnsaved(names: string[], parts: { schema: string; name: string }[], facts: PostgresFacts): void {
  const saved = new Set(facts.tables.map(({ name }) => name));
  const missing = names.filter((name) => !saved.has(name));
  if (missing.length > 0) {
    throw new DomainError("precondition-failed", `The backup does not hold ${missing.join(", ")}. Choose tables that it holds.`);
  }
  const picked = parts.flatMap(({ schema }) => parts.map(({ name }) => `${schema}.${name}`));
  const extra = picked.find((name) => saved.has(name) && !names.includes(name));
  if (extra) {
    throw new DomainError(
      "precondition-failed",
      `With these tables ${extra} would be restored, too: restore one schema at a time.`,
    );
  }
}

/** What is done before and after the rows come, in the same transaction. */
async function prepare(address: ServerAddress, names: string[]): Promise<{ before: string[]; after: string[] }> {
  return withServer(address, async (client) => {
    // Names come with their schema then, as the script has to have them.
    await client.query("SET search_path = ''");
    const tables = names.map((name) => sqlName(splitName(name)));
    const found = await client.query<{ name: string; oid: string | null }>(
      "SELECT name, to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS name",
      [tables],
    );
    const absent = found.rows.filter(({ oid }) => oid === null);
    if (absent.length > 0) {
      throw new DomainError(
        "precondition-failed",
        `The database has no ${absent.map(({ name }) => name).join(", ")} now. Restore the whole database, or create it first.`,
      );
    }
    const oids = found.rows.map(({ oid }) => oid);
    await refuseReferred(client, oids);
    const triggers = await client.query<{ table: string; trigger: string }>(
      `SELECT tgrelid::regclass::text AS table, tgname AS trigger FROM pg_trigger
      WHERE tgrelid = ANY ($1) AND NOT tgisinternal AND tgenabled = 'O'`,
      [oids],
    );
    const sequences = await client.query<{ table: string; column: string; sequence: string }>(
      `SELECT d.refobjid::regclass::text AS table, quote_ident(a.attname) AS column, d.objid::regclass::text AS sequence
      FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE d.refobjid = ANY ($1) AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass`,
      [oids],
    );
    const set = (how: string) =>
      triggers.rows.map(({ table, trigger }) => `ALTER TABLE ${table} ${how} TRIGGER ${pg.escapeIdentifier(trigger)}`);
    return {
      before: [`TRUNCATE ${tables.join(", ")}`, ...set("DISABLE")],
      after: [...sequences.rows.map(raiseSequence), ...set("ENABLE")],
    };
  });
}

async function refuseReferred(client: pg.Client, oids: (string | null)[]): Promise<void> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `SELECT DISTINCT conrelid::regclass::text AS from, confrelid::regclass::text AS to FROM pg_constraint
    WHERE contype = 'f' AND confrelid = ANY ($1) AND NOT conrelid = ANY ($1)`,
    [oids],
  );
  const [first] = rows;
  if (!first) return;
  throw new DomainError(
    "precondition-failed",
    `${first.from} refers to rows of ${first.to}: restore both together, or the whole database.`,
  );
}

/** A sequence never goes back: a number that was given out before is not given out again. */
function raiseSequence({ table, column, sequence }: { table: string; column: string; sequence: string }): string {
  const name = pg.escapeLiteral(sequence);
  return `SELECT pg_catalog.setval(${name}, greatest(max(${column}), (SELECT last_value FROM ${sequence}), 1)) FROM ${table}`;
}

function splitName(name: string): { schema: string; name: string } {
  const cut = name.indexOf(".");
  return { schema: name.slice(0, cut), name: name.slice(cut + 1) };
}

function sqlName({ schema, name }: { schema: string; name: string }): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}
