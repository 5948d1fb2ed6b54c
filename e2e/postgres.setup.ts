import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { databaseUrl, ensureDatabase, preparePostgres } from "#services/launcher/embedded-postgres.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";
import { testServerVariable } from "./postgres.ts";

/** Vitest's global setup: one PostgreSQL for all tests of a run, in a temporary folder, ended with it. */
export default async function setup(): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-postgres-"));
  chmodSync(dir, 0o755);
  const postgres = { folder: join(dir, "postgres"), port: await freePort(), password: "test" };
  const supervisor = new Supervisor(dir, () => {});
  supervisor.start(preparePostgres(postgres));
  await ensureDatabase(postgres, "switchyard", 20_000);
  process.env[testServerVariable] = databaseUrl(postgres, "postgres");
  return async () => {
    await supervisor.stopAll([]);
    rmSync(dir, { recursive: true, force: true });
  };
}
