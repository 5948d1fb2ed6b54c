import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { databaseUrl, ensureDatabase, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { applyMigrations } from "#prisma/schema-engine.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";

/** A PostgreSQL in a temporary folder, as `npm start` runs it. */
export type ScratchPostgres = { makeDatabase: (name: string) => Promise<string>; stop: () => Promise<void> };

export async function startScratchPostgres(): Promise<ScratchPostgres> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-bench-"));
  chmodSync(dir, 0o755);
  const postgres = { folder: join(dir, "postgres"), port: await freePort(), password: "bench" };
  const supervisor = new Supervisor(dir, () => {});
  supervisor.start(preparePostgres(postgres));
  await ensureDatabase(postgres, "switchyard", 20_000);
  return {
    /** A fresh, migrated database; answers with its URL. */
    makeDatabase: async (name) => {
      const client = new pg.Client({ connectionString: databaseUrl(postgres, "postgres") });
      await client.connect();
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
      await client.end();
      const url = databaseUrl(postgres, name);
      await applyMigrations(url);
      return url;
    },
    stop: async () => {
      await supervisor.stopAll([]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
