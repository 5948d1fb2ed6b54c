import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databaseUrl, ensureDatabase, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";
import { prepareTestServer, testServerVariable } from "./postgres.ts";

/** Vitest's global setup: one PostgreSQL for all tests of a run, in a temporary folder, ended with it. */
export default async function setup(): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-postgres-"));
  chmodSync(dir, 0o755);
  const postgres = { folder: join(dir, "postgres"), port: await freePort(), password: "test" };
  const supervisor = new Supervisor(dir, () => {});
  supervisor.start(preparePostgres(postgres));
  await ensureDatabase(postgres, "switchyard", 20_000);
  const serverUrl = databaseUrl(postgres, "postgres");
  await prepareTestServer(serverUrl);
  process.env[testServerVariable] = serverUrl;
  return async () => {
    await supervisor.stopAll([]);
    rmSync(dir, { recursive: true, force: true });
  };
}
