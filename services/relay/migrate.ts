import { readdirSync, readFileSync } from "node:fs";
import type { Pool } from "pg";
import { within } from "./database.ts";

const folder = new URL("./migrations/", import.meta.url);
const lockKey = 0x72_65_6c_61;
/** For a migration that reads a long table, and for one that waits for it. */
const timeoutMs = 3_600_000;

/** Applies the migrations that the database does not have, in one transaction, one replica at a time. Returns their names. */
export async function migrate(pool: Pool): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(within(timeoutMs, { text: "SELECT pg_advisory_xact_lock($1)", values: [lockKey] }));
    await client.query(
      "CREATE TABLE IF NOT EXISTS relay_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const { rows } = await client.query<{ name: string }>("SELECT name FROM relay_migrations");
    const applied = new Set(rows.map(({ name }) => name));
    const missing = readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name));
    for (const name of missing.sort()) {
      await client.query(within(timeoutMs, { text: readFileSync(new URL(name, folder), "utf8") }));
      await client.query("INSERT INTO relay_migrations (name) VALUES ($1)", [name]);
    }
    await client.query("COMMIT");
    return missing;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
