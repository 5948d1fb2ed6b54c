import { connectPatiently, type ServerAddress, withServer } from "#lib/database/server-connection.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { PostgresFacts } from "./postgres-facts.ts";
import { countTable, listTables, tableName } from "./postgres-tables.ts";

/** Holds a database against the facts: rows and highest number of every table, in one snapshot. */
export async function comparePostgres(address: ServerAddress, facts: PostgresFacts): Promise<RecoveryCheck[]> {
  const client = await connectPatiently(address);
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

/** Of a database's tables, or of chosen ones that it has, those whose rows are in no WAL. */
export async function listUnlogged(address: ServerAddress, chosen: readonly string[] | null): Promise<string[]> {
  const tables = await withServer(address, (client) => listTables(client, null));
  const names = tables.filter(({ isUnlogged }) => isUnlogged).map(tableName);
  return chosen === null ? names : names.filter((name) => chosen.includes(name));
}

/** What a restore to an instant leaves empty, in a sentence; null when that is nothing. */
export function describeUnlogged(tables: readonly string[]): string | null {
  if (tables.length === 0) return null;
  return `Unlogged tables come back empty, as no WAL holds their rows: ${tables.join(", ")}. Take what you need of them from a backup's dump.`;
}

/** What a database answered, as checks that there is nothing to hold against. */
export function describeFacts({ tables }: PostgresFacts): RecoveryCheck[] {
  return tables.map((table) => ({ name: `Table ${table.name}`, wanted: "answers", found: describe(table), passed: true }));
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
