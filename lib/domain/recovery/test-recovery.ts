import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { openStorage } from "#lib/storage/open-storage.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { serviceYaml, startTestWorld, type TestWorld, testContext } from "../actions/test-fleet.ts";
import { generateKey, parseKeyring } from "./archive/keyring.ts";
import type { RecoveryContext } from "./context.ts";

/** A cluster with the service fleet/relay, its database with two tables, and a storage in a temporary folder, for tests. */
export type RecoveryWorld = TestWorld & {
  recovery: RecoveryContext;
  /** The secret half of the keyring's key. */
  backupKey: string;
  /** The folder of the storage. */
  folder: string;
  /** Asks the service's own database. */
  query: (sql: string) => Promise<Record<string, unknown>[]>;
  /** From now on clocks show this; null: the real time. */
  setClock: (at: Date | null) => void;
};

export const documentRows = 250;

/** What a plan of fleet/relay holds. */
export const relayContents = {
  postgres: { address: { secret: "relay-database", key: "url" }, tables: null },
  redis: null,
  objects: true,
  logHours: null,
};

export async function startRecoveryWorld(): Promise<RecoveryWorld> {
  const [world, own, service, folder] = await Promise.all([
    startTestWorld(),
    createTestDatabase(),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), "switchyard-recovery-")),
  ]);
  let at: Date | null = null;
  const clock = () => at ?? new Date();
  // A restore in place ends all connections to the database.
  const pool = new pg.Pool({ connectionString: service.url, max: 1 });
  pool.on("error", () => {});
  const query = async (sql: string) => (await pool.query(sql)).rows;
  await query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE documents (id bigserial PRIMARY KEY, body text NOT NULL);
    CREATE TABLE operations (id bigserial PRIMARY KEY, document bigint NOT NULL REFERENCES documents);
    INSERT INTO documents (body) SELECT md5(n::text) FROM generate_series(1, ${documentRows}) n;
    INSERT INTO operations (document) SELECT id FROM documents`);
  await world.cluster.create(serviceYaml("relay"));
  await world.cluster.create(
    `{ apiVersion: v1, kind: Secret, metadata: { name: relay-database, namespace: fleet }, stringData: { url: "${service.url}" } }`,
  );
  const context = testContext({ db: own.database, kubernetes: world.kubernetes, clock });
  const backupKey = await generateKey();
  const recovery: RecoveryContext = {
    ...context,
    storage: openStorage({ kind: "directory", path: join(folder, "storage") }),
    keyring: await parseKeyring(backupKey),
    workDir: join(folder, "work"),
    ownDatabaseUrl: own.url,
  };
  async function stop() {
    await pool.end();
    await Promise.all([world.stop(), own.drop(), service.drop()]);
    await rm(folder, { recursive: true, force: true });
  }
  return {
    ...world,
    db: own.database,
    context,
    recovery,
    backupKey,
    folder: join(folder, "storage"),
    query,
    setClock: (time) => {
      at = time;
    },
    stop,
  };
}
