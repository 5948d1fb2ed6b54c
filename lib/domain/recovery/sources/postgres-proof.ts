import { connectServer, libpqEnvironment, type ServerAddress, withServer } from "#lib/database/server-connection.ts";
import { ProgramError, runProgram } from "#lib/programs/program.ts";
import { startScratchPostgres } from "#lib/programs/scratch-postgres.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { programsToRestore } from "./postgres.ts";
import type { PostgresFacts } from "./postgres-facts.ts";
import { countTable, listTables, tableName } from "./postgres-tables.ts";

/** Whether pg_restore can read the dump's table of contents, and finds every table of the facts in it. Reads the dump to its end. */
export async function checkDump(
  dump: AsyncIterable<Uint8Array>,
  facts: PostgresFacts,
  signal?: AbortSignal,
): Promise<RecoveryCheck[]> {
  const name = "pg_restore lists the dump";
  const wanted = `${facts.tables.length} tables`;
  const { pgRestore } = await programsToRestore(facts);
  try {
    const { stdout } = await runProgram({ command: pgRestore, args: ["--list"], input: dump, signal });
    const lines = stdout.split("\n");
    const missing = facts.tables.filter((table) => !lines.some((line) => line.includes(` TABLE DATA ${dataEntry(table.name)} `)));
    const found = missing.length === 0 ? wanted : `without ${missing.map((table) => table.name).join(", ")}`;
    return [{ name, wanted, found, passed: missing.length === 0 }];
  } catch (error) {
    if (error instanceof ProgramError) return [{ name, wanted, found: error.message, passed: false }];
    throw error;
  }
}

/** "schema.table" as a table of contents has it: "schema table". */
function dataEntry(name: string): string {
  return name.replace(".", " ");
}

/** Restores the dump into a scratch server, asks it what was asked when it was saved, and removes the server. */
export async function provePostgres(
  dump: AsyncIterable<Uint8Array>,
  facts: PostgresFacts,
  scratch: { workDir: string; signal?: AbortSignal },
): Promise<RecoveryCheck[]> {
  const { workDir, signal } = scratch;
  const { pgRestore } = await programsToRestore(facts);
  const server = await startScratchPostgres({ workDir, majorVersion: facts.majorVersion, signal });
  const name = `Restores into a scratch PostgreSQL ${server.majorVersion}`;
  try {
    const address = await server.makeDatabase("restored");
    const args = ["--dbname=restored", "--exit-on-error", "--no-owner", "--no-acl", "--no-password"];
    // Rows of chosen tables may refer to rows that were left out: foreign keys and indexes come last, and are not made.
    if (facts.chosenTables) args.push("--section=pre-data", "--section=data");
    await runProgram({ command: pgRestore, args, env: libpqEnvironment(address), input: dump, signal });
    return [{ name, wanted: "no error", found: "no error", passed: true }, ...(await comparePostgres(address, facts))];
  } catch (error) {
    if (error instanceof ProgramError) return [{ name, wanted: "no error", found: error.message, passed: false }];
    throw error;
  } finally {
    await server.stop();
  }
}

/** Holds a database against the facts: rows and highest number of every table, in one snapshot. */
export async function comparePostgres(address: ServerAddress, facts: PostgresFacts): Promise<RecoveryCheck[]> {
  const client = await connectServer(address);
  try {
    await client.query("SET TIME ZONE 'UTC'; SET statement_timeout = 0");
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const present = new Map((await listTables(client, null)).map((table) => [tableName(table), table]));
    const checks: RecoveryCheck[] = [];
    for (const saved of facts.tables) {
      const table = present.get(saved.name);
      // What was asked then, also where the key is not there (yet).
      const column = saved.highest?.column ?? null;
      const found = table && (await countTable(client, { ...table, column, isKey: table.isKey || table.column !== column }));
      checks.push(check(saved, found));
    }
    return checks;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Rows of every table that a database has now, for a dry run. */
export function countPresent(address: ServerAddress): Promise<PostgresFacts["tables"]> {
  return withServer(
    address,
    async (client) => {
      await client.query("SET TIME ZONE 'UTC'");
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const counted: PostgresFacts["tables"] = [];
      for (const table of await listTables(client, null)) counted.push(await countTable(client, table));
      return counted;
    },
    60_000,
  );
}

function check(saved: PostgresFacts["tables"][number], found: PostgresFacts["tables"][number] | undefined): RecoveryCheck {
  const wanted = describe(saved);
  const answer = found ? describe(found) : "no such table";
  return { name: `Table ${saved.name}`, wanted, found: answer, passed: wanted === answer };
}

function describe({ rows, highest }: PostgresFacts["tables"][number]): string {
  const count = rows === 1 ? "1 row" : `${rows.toLocaleString("en")} rows`;
  return highest ? `${count}, highest ${highest.column} ${highest.value}` : count;
}
