import type pg from "pg";
import { DomainError } from "../../errors.ts";
import type { PostgresFacts } from "./postgres-facts.ts";

type TableFacts = PostgresFacts["tables"][number];

/** A table as the catalogue has it: what holds rows of its own. Partitions are tables; what is only partitioned is none. */
type Table = { schema: string; name: string; column: string | null; isKey: boolean; isUnlogged: boolean };

/** Types of columns whose highest value says how far the table had come. */
const growing = ["int2", "int4", "int8", "numeric", "uuid", "timestamp", "timestamptz", "date"];

const ownSchemas =
  "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'";

/** Last column of the primary key, whose type grows; tables of extensions are the extension's. */
const tablesQuery = `
  SELECT n.nspname AS schema, c.relname AS name, k.attname AS column, coalesce(k.is_whole, false) AS "isKey",
    c.relpersistence = 'u' AS "isUnlogged"
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
    SELECT a.attname, cardinality(i.indkey::int2[]) = 1 AS is_whole
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[i.indnkeyatts - 1]
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE i.indrelid = c.oid AND i.indisprimary AND t.typname = ANY ($1) AND (t.typname <> 'uuid' OR i.indnkeyatts = 1)
  ) k ON true
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${ownSchemas}
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY 1, 2`;

/** All tables of a database, or the chosen ones: "table" (of the schema public) or "schema.table". Throws precondition-failed for one that is not there. */
export async function listTables(client: pg.ClientBase, chosen: string[] | null): Promise<Table[]> {
  const { rows } = await client.query<Table>(tablesQuery, [growing]);
  if (chosen === null) return rows;
  const wanted = new Set(chosen.map(fullName));
  const found = rows.filter((table) => wanted.delete(tableName(table)));
  if (wanted.size === 0) return found;
  throw new DomainError(
    "precondition-failed",
    `The database has no table ${[...wanted].join(", ")}. Correct the tables in the plan, or choose all of them.`,
  );
}

export function tableName({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

/** "documents" is public.documents. */
export function fullName(name: string): string {
  return name.includes(".") ? name : `public.${name}`;
}

/** Rows and highest number of a table in the transaction that the client is in. */
export async function countTable(client: pg.ClientBase, table: Table): Promise<TableFacts> {
  const { schema, name, column } = table;
  const from = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`;
  if (column === null) return facts(table, await count(client, from), null);
  const key = client.escapeIdentifier(column);
  if (!table.isKey) {
    const { rows } = await client.query<{ rows: string; value: string | null }>(
      `SELECT count(*) AS rows, max(${key})::text AS value FROM ONLY ${from}`,
    );
    return facts(table, Number(rows[0]?.rows ?? 0), highestOf(column, rows[0]?.value));
  }
  const { rows } = await client.query<{ value: string }>(
    `SELECT ${key}::text AS value FROM ONLY ${from} ORDER BY ${key} DESC LIMIT 1`,
  );
  return facts(table, await count(client, from), highestOf(column, rows[0]?.value));
}

function facts(table: Table, rows: number, highest: TableFacts["highest"]): TableFacts {
  return { name: tableName(table), rows, highest, ...(table.isUnlogged ? { isUnlogged: true } : {}) };
}

function highestOf(column: string, value: string | null | undefined): TableFacts["highest"] {
  return value == null ? null : { column, value };
}

async function count(client: pg.ClientBase, from: string): Promise<number> {
  const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ONLY ${from}`);
  return Number(rows[0]?.rows ?? 0);
}
