import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "#lib/domain/recovery/backups/test-backups.ts";
import { type RecoveryWorld, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { Controllers } from "./crashes/controllers.ts";
import { startToldPrometheus } from "./crashes/told-prometheus.ts";

/** The memory of the process that backs up a large database and reads the archive back: nothing of the database is held. */

const megabytes = Number(process.env.SWITCHYARD_MEMORY_MEGABYTES ?? 2_000);
/** Resident, the most that there was at once. */
const mostMib = 200;
const rowBytes = 8_000;

let world: RecoveryWorld;
let controllers: Controllers;
let prometheus: Awaited<ReturnType<typeof startToldPrometheus>>;

beforeAll(async () => {
  [world, prometheus] = await Promise.all([startRecoveryWorld(), startToldPrometheus()]);
  // Cut from a million random bytes so that two rows beside each other have nothing in common: neither TOAST nor pg_dump makes it smaller.
  await world.query(`
    CREATE TABLE attachments (id bigserial PRIMARY KEY, content bytea NOT NULL);
    ALTER TABLE attachments ALTER content SET STORAGE EXTERNAL;
    WITH random AS MATERIALIZED (SELECT string_agg(uuid_send(gen_random_uuid()), '') AS bytes FROM generate_series(1, 65536))
    INSERT INTO attachments (content)
    SELECT substr(bytes, (n * 104729::bigint % 1000000)::int + 1, ${rowBytes})
    FROM random, generate_series(1, ${Math.ceil((megabytes * 1_000_000) / rowBytes)}) n`);
  controllers = new Controllers({
    databaseUrl: world.recovery.ownDatabaseUrl,
    kubeconfig: world.cluster.kubeconfig,
    prometheusUrl: prometheus.url,
    folder: dirname(world.folder),
    backupKey: world.backupKey,
  });
}, 900_000);
afterAll(async () => {
  await controllers?.stop();
  prometheus?.stop();
  await world?.stop();
}, 120_000);

function peakMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

test(`a database of ${megabytes} MB is backed up and read back in less than ${mostMib} MiB`, async () => {
  const [size] = await world.query("SELECT pg_database_size(current_database()) AS bytes");
  await controllers.start(1);
  const pid = await until("the recovery process runs", async () => controllers.recoveryPidOf(0) ?? null);
  await sleep(5_000);
  const before = peakMib(pid);
  const begun = performance.now();
  const { id } = await ask(world);
  const ended = await until(
    "the backup is made and read back",
    async () => {
      const row = await world.db.backup.findUniqueOrThrow({ where: { id } });
      return row.finishedAt ? row : null;
    },
    1_800_000,
  );
  const seconds = (performance.now() - begun) / 1000;
  expect(ended).toMatchObject({ state: "completed", proof: "checksums" });
  const bytes = Number(size?.bytes);
  const peak = peakMib(pid);
  process.stdout.write(
    `${(bytes / 1e6).toFixed(0)} MB of database, ${(Number(ended.bytes) / 1e6).toFixed(0)} MB of archive in ${seconds.toFixed(0)} s; ` +
      `resident: ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most; ` +
      `the controller beside it: ${peakMib(controllers.pidOf(0)).toFixed(0)} MiB\n`,
  );
  expect(Number(ended.bytes)).toBeGreaterThan(megabytes * 1_000_000 * 0.9);
  expect(controllers.recoveryPidOf(0)).toBe(pid);
  expect(peak).toBeLessThan(mostMib);
}, 1_900_000);
