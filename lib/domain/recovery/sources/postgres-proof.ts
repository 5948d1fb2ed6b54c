import { libpqEnvironment } from "#lib/database/server-connection.ts";
import { ProgramError, runProgram } from "#lib/programs/program.ts";
import { startScratchPostgres } from "#lib/programs/scratch-postgres.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { programsToRestore } from "./postgres.ts";
import { comparePostgres } from "./postgres-comparison.ts";
import type { PostgresFacts } from "./postgres-facts.ts";

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
