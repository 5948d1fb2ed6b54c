import { randomBytes } from "node:crypto";
import pg from "pg";
import { connectDatabase, type Database } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { applyMigrations } from "#prisma/schema-engine.ts";

/** The environment variable by which the global setup tells the tests where its PostgreSQL is. */
export const testServerVariable = "SWITCHYARD_TEST_POSTGRES_URL";

/** The migrated database that the others are copies of. */
const templateName = "test_template";

type TestDatabase = { database: Database; pipeline: Pipeline; url: string; drop: () => Promise<void> };

/** A fresh, migrated database on the test server, and both ways to it, which connect when they are used. `drop()` ends them and removes it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env[testServerVariable];
  if (!serverUrl) throw new Error(`${testServerVariable} is not set: run this test with \`npm run test:domain\`.`);
  const name = `test_${randomBytes(6).toString("hex")}`;
  await runOnServer(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${templateName}`);
  const url = urlOf(serverUrl, name);
  const database = connectDatabase(url);
  const pipeline = new Pipeline(url);
  async function drop() {
    await Promise.all([pipeline.end(), database.$disconnect()]);
    await runOnServer(serverUrl ?? "", `DROP DATABASE ${name} WITH (FORCE)`);
  }
  return { database, pipeline, url, drop };
}

/** Makes a new server ready for the tests: what it holds need not outlive it, and each migration is applied once. */
export async function prepareTestServer(serverUrl: string): Promise<void> {
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
    await runOnServer(serverUrl, `ALTER SYSTEM SET ${setting} = off`);
  }
  await runOnServer(serverUrl, "SELECT pg_reload_conf()");
  await runOnServer(serverUrl, `CREATE DATABASE ${templateName}`);
  await applyMigrations(urlOf(serverUrl, templateName));
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

async function runOnServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
