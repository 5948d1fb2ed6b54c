import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateKey, parseKeyring } from "#lib/domain/recovery/archive/keyring.ts";
import { companionKey } from "#lib/domain/recovery/archive/manifest.ts";
import { openArchive } from "#lib/domain/recovery/backups/archives.ts";
import { reconcileStorage } from "#lib/domain/recovery/backups/catalogue.ts";
import { applyRetention } from "#lib/domain/recovery/backups/expire.ts";
import { savePlan } from "#lib/domain/recovery/backups/plans.ts";
import { queueProof } from "#lib/domain/recovery/backups/queue-proof.ts";
import { as, ask } from "#lib/domain/recovery/backups/test-backups.ts";
import { putArchive, startReseal, sumOf } from "#lib/domain/recovery/backups/test-reseal.ts";
import { type RecoveryWorld, relayContents, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { keysIn } from "#lib/storage/test-contract.ts";
import { Random } from "../conformance/fuzz/random.ts";
import { Controllers } from "./crashes/controllers.ts";
import { startToldPrometheus } from "./crashes/told-prometheus.ts";

/**
 * kill -9 of `npm run reseal` at random instants, from one key to the other and back, beside a controller that makes, proves and lets go
 * of backups: every backup has its archive whole all the time, and nothing is left over.
 */

const crashes = Number(process.env.SWITCHYARD_CRASHES ?? 50);
const seed = Number(process.env.SWITCHYARD_CRASH_SEED ?? 20_261_124);
const longestLifeMs = 2_500;
const archives = 8;

let world: RecoveryWorld;
let keys: [string, string];
let controllers: Controllers;
let prometheus: Awaited<ReturnType<typeof startToldPrometheus>>;

beforeAll(async () => {
  const [started, told, other] = await Promise.all([startRecoveryWorld(), startToldPrometheus(), generateKey()]);
  [world, prometheus, keys] = [started, told, [other, started.backupKey]];
  const retention = { keepLast: archives, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 };
  const plan = { contents: relayContents, cron: null, proveCron: null, retention, reason: "a few are enough" };
  await savePlan(as(world, "admin"), { subject: "fleet/relay", body: plan });
  for (let count = 0; count < archives; count += 1) await putArchive(world, { bytes: 1_000_000 + count * 3_000_000 });
  controllers = new Controllers({
    databaseUrl: world.recovery.ownDatabaseUrl,
    kubeconfig: world.cluster.kubeconfig,
    prometheusUrl: prometheus.url,
    folder: dirname(world.folder),
    backupKey: keys.join(","),
  });
  await controllers.start(1);
}, 120_000);
afterAll(async () => {
  await controllers?.stop();
  prometheus?.stop();
  await world?.stop();
}, 60_000);

/** Every backup that is there has its archive where its row says, to the byte. */
async function checkAll(): Promise<number> {
  const rows = await world.db.backup.findMany({ where: { state: "completed" } });
  for (const row of rows) {
    const sum = await sumOf(world.recovery.storage, row).catch(() => null);
    const now = await world.db.backup.findUniqueOrThrow({ where: { id: row.id } });
    // Retention has let go of it meanwhile, and its row said so before its archive went.
    if (now.state !== "completed") continue;
    expect({ number: row.number, ...sum }).toEqual({ number: row.number, bytes: row.bytes, sha256: row.sha256 });
  }
  return rows.length;
}

/** Something is always being made, and now and then one is read. */
async function keepBusy(random: Random): Promise<void> {
  const { db, recovery } = world;
  if ((await db.backup.count({ where: { state: { in: ["queued", "running", "verifying"] } } })) === 0) {
    await ask(world, { key: randomUUID(), contents: { ...relayContents, postgres: null } });
  }
  const rows = await db.backup.findMany({ where: { state: "completed" }, orderBy: { number: "asc" } });
  const row = rows[random.below(rows.length)];
  if (!row || random.chance(0.7)) return;
  const order = { backupId: row.id, level: "checksums" as const, byName: "a test" };
  // Retention may be faster.
  await db.$transaction((transaction) => queueProof(transaction, recovery, order)).catch(() => undefined);
}

test(`through ${crashes} kills every backup keeps a whole archive, and none is left over (seed ${seed})`, async () => {
  const random = new Random(seed);
  let [present, former] = keys;
  let finished = 0;
  for (let crash = 0; crash < crashes; ) {
    await keepBusy(random);
    const { child, ended, said } = startReseal(world, [present, former]);
    const isOver = await Promise.race([ended.then(() => true), sleep(random.below(longestLifeMs)).then(() => false)]);
    if (isOver) {
      expect(child.exitCode, said()).toBe(0);
      finished += 1;
      [present, former] = [former, present];
    } else {
      child.kill("SIGKILL");
      await ended;
      crash += 1;
    }
    await checkAll();
  }
  process.stdout.write(`ended by itself ${finished} times between ${crashes} kills\n`);
  // The controller's own first key, so that what it makes meanwhile needs no more.
  await until(
    "all is sealed by the first key",
    async () => {
      const { ended, said } = startReseal(world, keys);
      const [code] = await ended;
      return code === 0 && said().includes("No archive needs the old keys.");
    },
    120_000,
  );
  await until(
    "all is made and proven",
    async () => {
      const open = await world.db.backup.count({ where: { state: { in: ["queued", "running", "verifying"] } } });
      return open + (await world.db.backupProofRun.count({ where: { state: { in: ["queued", "running"] } } })) === 0;
    },
    120_000,
  );
  await controllers.stop();
  world.setClock(new Date(Date.now() + 3_600_000));
  const keyring = await parseKeyring(keys.join(","));
  await applyRetention(world.recovery);
  await reconcileStorage(world.recovery);
  expect(await checkAll()).toBeGreaterThanOrEqual(archives);
  const rows = await world.db.backup.findMany({ where: { state: { not: "deleted" } } });
  expect(new Set(rows.map(({ state, proof, keyId }) => `${state}, ${proof === "failed"}, ${keyId}`))).toEqual(
    new Set([`completed, false, ${keyring.keyId}`]),
  );
  const newKeyOnly = keyring.withoutOlder();
  for (const row of rows) await openArchive({ storage: world.recovery.storage, keyring: newKeyOnly }, row);
  expect(await world.db.backupProofRun.count({ where: { state: "failed" } })).toBe(0);
  const wanted = rows.flatMap(({ storageKey }) => [storageKey ?? "", companionKey(storageKey ?? "")]);
  expect(await keysIn(world.recovery.storage, "")).toEqual(wanted.toSorted((a, b) => (a < b ? -1 : 1)));
  const unfinished = join(world.folder, ".unfinished");
  expect(existsSync(unfinished) ? readdirSync(unfinished) : []).toEqual([]);
}, 900_000);
