import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databaseUrl, type EmbeddedPostgres, ensureDatabase, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";

/** A PostgreSQL and a standby that follows it by streaming replication: two real servers in a temporary folder, for tests. */
export type PostgresPair = {
  primary: string;
  replica: string;
  stopPrimary: () => Promise<void>;
  stop: () => Promise<void>;
};

export async function startPostgresPair(database: string): Promise<PostgresPair> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-pair-"));
  chmodSync(dir, 0o755);
  const [primary, replica] = await Promise.all(
    ["primary", "replica"].map(async (name) => ({ folder: join(dir, name), port: await freePort(), password: "test" })),
  );
  if (!primary || !replica) throw new Error("two servers are wanted");
  const first = await start(dir, primary);
  await ensureDatabase(primary, database, 20_000);
  await first.stopAll([]);
  // A server that is stopped is copied whole: what pg_basebackup would do with one that runs.
  execFileSync("cp", ["-a", primary.folder, replica.folder]);
  const data = join(replica.folder, "data");
  const source = `host=127.0.0.1 port=${primary.port} user=switchyard password=${primary.password}`;
  appendFileSync(join(data, "postgresql.auto.conf"), `primary_conninfo = '${source}'\n`);
  writeFileSync(join(data, "standby.signal"), "");
  rmSync(join(data, "postmaster.pid"), { force: true });
  const servers = [await start(dir, primary), await start(dir, replica)] as const;
  const urls = [databaseUrl(primary, database), databaseUrl(replica, database)] as const;
  return {
    primary: urls[0],
    replica: urls[1],
    stopPrimary: () => servers[0].stopAll([]),
    stop: async () => {
      await Promise.all(servers.map((server) => server.stopAll([])));
      if (existsSync(dir)) rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function start(dir: string, postgres: EmbeddedPostgres): Promise<Supervisor> {
  const supervisor = new Supervisor(dir, () => {});
  supervisor.start({ ...preparePostgres(postgres), name: `postgres-${postgres.port}` });
  await ensureDatabase(postgres, "postgres", 20_000);
  return supervisor;
}
