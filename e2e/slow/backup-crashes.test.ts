import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { reconcileStorage } from "#lib/domain/recovery/backups/catalogue.ts";
import { applyRetention } from "#lib/domain/recovery/backups/expire.ts";
import { queueProof } from "#lib/domain/recovery/backups/queue-proof.ts";
import { ask } from "#lib/domain/recovery/backups/test-backups.ts";
import { type RecoveryWorld, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { sweepScratch } from "#lib/programs/scratch.ts";
import { Random } from "../conformance/fuzz/random.ts";
import { Controllers } from "./crashes/controllers.ts";
import { startToldPrometheus } from "./crashes/told-prometheus.ts";

/**
 * kill -9 of the controller, or of its recovery process alone, at random instants of backups and their proofs: what says it is good is
 * good, and nothing is left behind.
 */

const crashes = Number(process.env.SWITCHYARD_CRASHES ?? 50);
const seed = Number(process.env.SWITCHYARD_CRASH_SEED ?? 20_261_122);
const longestLifeMs = 6_000;
const rows = 60_000;

let world: RecoveryWorld;
let controllers: Controllers;
let prometheus: Awaited<ReturnType<typeof startToldPrometheus>>;

beforeAll(async () => {
  [world, prometheus] = await Promise.all([startRecoveryWorld(), startToldPrometheus()]);
  await world.query(`INSERT INTO documents (body) SELECT md5(random()::text) FROM generate_series(1, ${rows})`);
  controllers = new Controllers({
    databaseUrl: world.recovery.ownDatabaseUrl,
    kubeconfig: world.cluster.kubeconfig,
    prometheusUrl: prometheus.url,
    folder: dirname(world.folder),
    backupKey: world.backupKey,
  });
}, 120_000);
afterAll(async () => {
  await controllers?.stop();
  prometheus?.stop();
  await world?.stop();
}, 60_000);

/** There is always something to make or to prove. */
async function keepBusy(): Promise<void> {
  const { db, recovery } = world;
  const open = { state: { in: ["queued", "running", "verifying"] as ("queued" | "running" | "verifying")[] } };
  if ((await db.backup.count({ where: open })) === 0) await ask(world, { key: randomUUID() });
  const unproven = await db.backup.findFirst({
    where: { state: "completed", proof: "checksums" },
    orderBy: { createdAt: "desc" },
  });
  if (!unproven) return;
  const order = { backupId: unproven.id, level: "restored" as const, byName: "a test" };
  await db.$transaction((transaction) => queueProof(transaction, recovery, order));
}

/** Of every row that says it is good the archive is there, to the byte. */
async function checkGood(): Promise<Backup[]> {
  const good = await world.db.backup.findMany({ where: { state: "completed", proof: { in: ["checksums", "restored"] } } });
  for (const { id, number, storageKey, sha256, bytes } of good) {
    const file = join(world.folder, storageKey ?? "");
    // Retention may let go of it meanwhile; then its row says so before its archive goes.
    if (!existsSync(file) && (await world.db.backup.count({ where: { id, state: { in: ["deleting", "deleted"] } } })) === 1)
      continue;
    const content = readFileSync(file);
    expect({ number, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") }).toEqual({
      number,
      bytes: Number(bytes),
      sha256,
    });
  }
  return good;
}

test(`after ${crashes} kills every backup that says it is good is good, and nothing is left behind (seed ${seed})`, async () => {
  const random = new Random(seed);
  await keepBusy();
  await controllers.start(1);
  const struck = new Map<string, number>();
  for (let crash = 0; crash < crashes; crash += 1) {
    await keepBusy();
    await sleep(random.below(random.chance(0.5) ? longestLifeMs / 4 : longestLifeMs));
    const at = await world.db.backup.findFirst({ where: { runner: { not: null } }, select: { state: true } });
    const proof = await world.db.backupProofRun.findFirst({ where: { state: "running" }, select: { level: true } });
    const what = [at?.state, proof && `proof ${proof.level}`].filter(Boolean).join(" and ") || "nothing";
    struck.set(what, (struck.get(what) ?? 0) + 1);
    if (random.chance(0.5) || !controllers.killRecovery(0)) await controllers.replace(0);
    await checkGood();
  }
  process.stdout.write(`struck while: ${JSON.stringify(Object.fromEntries(struck))}\n`);
  expect(struck.size).toBeGreaterThan(2);

  await until(
    "all is made and proven",
    async () => {
      const open = await world.db.backup.count({
        where: { state: { in: ["queued", "running", "verifying", "expired", "deleting"] } },
      });
      return open + (await world.db.backupProofRun.count({ where: { state: { in: ["queued", "running"] } } })) === 0;
    },
    120_000,
  );
  const good = await checkGood();
  expect(good.length).toBeGreaterThan(2);
  // A backup that was begun three times and struck each time is given up; nothing else fails, and no archive is found to be damaged.
  const failed = await world.db.backup.findMany({
    where: { id: { notIn: good.map(({ id }) => id) }, state: { not: "deleted" } },
  });
  expect(failed.filter(({ message }) => !message.startsWith("It was begun 3 times"))).toEqual([]);
  expect(await world.db.backupProofRun.count({ where: { state: "failed" } })).toBe(0);
  expect(await world.db.backup.count({ where: { OR: [{ activeKey: { not: null } }, { runner: { not: null } }] } })).toBe(0);

  await controllers.stop();
  await sweepScratch(world.recovery.workDir);
  expect(existsSync(world.recovery.workDir) ? readdirSync(world.recovery.workDir) : []).toEqual([]);
  const processes = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(world.recovery.workDir));
  expect(processes).toEqual([]);
  world.setClock(new Date(Date.now() + 3_600_000));
  await reconcileStorage(world.recovery);
  const unfinished = join(world.folder, ".unfinished");
  expect(existsSync(unfinished) ? readdirSync(unfinished) : []).toEqual([]);
  // Retention may have begun to let go of one when the last controller was killed: it ends that, and nothing else is left over.
  await applyRetention(world.recovery);
  const known = await world.db.backup.findMany({ where: { state: { not: "deleted" } }, select: { storageKey: true } });
  const left: string[] = [];
  for await (const { key } of world.recovery.storage.list("")) if (key.endsWith(".age")) left.push(key);
  expect(left.filter((key) => !known.some(({ storageKey }) => storageKey === key))).toEqual([]);
  expect(left).toEqual(expect.arrayContaining((await checkGood()).map(({ storageKey }) => storageKey)));
}, 900_000);
