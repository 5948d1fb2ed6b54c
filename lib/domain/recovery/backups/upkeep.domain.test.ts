import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { createRestore } from "../restores/start.ts";
import { type RecoveryWorld, relayContents, startRecoveryWorld } from "../test-recovery.ts";
import { reconcileStorage } from "./catalogue.ts";
import { commandBackup } from "./commands.ts";
import { applyRetention } from "./expire.ts";
import { readBackupFigures } from "./figures.ts";
import { lockBackup } from "./in-use.ts";
import { getPlan, listPlans, previewRetention, savePlan } from "./plans.ts";
import { queueProof } from "./queue-proof.ts";
import { ensureOwnPlan, queueDue } from "./schedules.ts";
import { as, ask, make, runAll } from "./test-backups.ts";

let world: RecoveryWorld;
beforeAll(async () => {
  world = await startRecoveryWorld();
});
afterAll(() => world?.stop());
afterEach(async () => {
  world.setClock(null);
  await world.db.backup.deleteMany();
  await world.db.backupPlan.deleteMany();
  await rm(world.folder, { recursive: true, force: true });
});

const retention = { keepLast: 2, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 };
const save = (plan: object = {}) =>
  savePlan(as(world, "admin"), {
    subject: "fleet/relay",
    body: { contents: relayContents, cron: "0 * * * *", proveCron: null, retention, reason: "set in a test", ...plan },
  });
const states = async () =>
  (await world.db.backup.findMany({ orderBy: { number: "asc" } })).map(({ state, purpose, proof }) => [state, purpose, proof]);
async function archives(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of world.recovery.storage.list("")) keys.push(key);
  return keys;
}

test("a plan is set by administrators, audited, and says when it falls due; without one contents are found by themselves", async () => {
  world.setClock(new Date("2026-03-18T10:20:00Z"));
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({
    isSet: false,
    cron: null,
    found: { objects: true, postgres: null },
  });
  await expect(savePlan(world.context, { subject: "fleet/relay", body: {} })).rejects.toMatchObject({ code: "not-permitted" });
  await expect(save({ cron: "0 0 30 2 *" })).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { cron: ["This schedule never falls due."] } },
  });
  expect(await save({ proveCron: "0 4 * * 0", timeZone: "Europe/Berlin" })).toMatchObject({
    isSet: true,
    nextBackupAt: "2026-03-18T11:00:00.000Z",
    nextProofAt: "2026-03-22T03:00:00.000Z",
    updatedBy: "ada",
  });
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({
    isSet: true,
    contents: relayContents,
    found: { objects: true },
  });
  expect(await listPlans(world.context)).toHaveLength(1);
  expect(await world.db.auditEntry.findFirst({ where: { targetKind: "backup-plan" } })).toMatchObject({
    verb: "set",
    targetName: "relay",
    actorName: "ada",
    reason: "set in a test",
  });
});

test("a backup is ordered when it falls due; what was missed is made up for once; two controllers order it once", async () => {
  world.setClock(new Date("2026-03-18T10:20:00Z"));
  await save();
  await queueDue(world.recovery);
  expect(await states()).toEqual([]);
  world.setClock(new Date("2026-03-18T14:30:00Z"));
  await Promise.all([queueDue(world.recovery), queueDue(world.recovery)]);
  expect(await states()).toEqual([["queued", "scheduled", "unverified"]]);
  expect((await getPlan(world.context, "fleet/relay")).nextBackupAt).toBe("2026-03-18T15:00:00.000Z");
  // One that takes longer than an hour is not joined by a second one.
  world.setClock(new Date("2026-03-18T15:00:01Z"));
  await queueDue(world.recovery);
  expect(await world.db.backup.count()).toBe(1);
});

test("the newest good one is restored into scratch when its proof falls due", async () => {
  world.setClock(new Date("2026-03-18T10:20:00Z"));
  await save({ cron: null, proveCron: "0 11 * * *" });
  await make(world, { contents: { ...relayContents, postgres: null } });
  world.setClock(new Date("2026-03-18T11:00:00Z"));
  await queueDue(world.recovery);
  expect(await world.db.backupProofRun.findMany({ where: { state: "queued" } })).toMatchObject([
    { level: "restored", requestedByName: "Switchyard" },
  ]);
});

test("Switchyard has a plan for itself, which stays as somebody has changed it", async () => {
  await ensureOwnPlan(world.recovery);
  const admin = as(world, "admin");
  const own = await getPlan(admin, "switchyard");
  expect(own).toMatchObject({ isSet: true, cron: "0 3 * * *", contents: { postgres: { address: null } } });
  await savePlan(admin, { subject: "switchyard", body: { ...own, cron: null, reason: "not at night" } });
  await ensureOwnPlan(world.recovery);
  expect(await getPlan(admin, "switchyard")).toMatchObject({ cron: null, nextBackupAt: null });
});

test("Switchyard's own database is backed up and answers as before from a scratch server", async () => {
  const contents = { postgres: { address: null, tables: null }, redis: null, objects: false, logHours: null };
  const { id } = await make(world, { subject: "switchyard", contents });
  await commandBackup(world.context, { id, command: "prove", body: { reason: "tried in a test" }, key: randomUUID() });
  await runAll(world);
  expect(await world.db.backup.findUnique({ where: { id } })).toMatchObject({ state: "completed", proof: "restored" });
});

test("retention lets go of what no rule wants and removes its archive, never the newest verified one, a pinned one or one in use", async () => {
  await save();
  const objectsOnly = { contents: { ...relayContents, postgres: null } };
  const made: Backup[] = [];
  for (let index = 0; index < 5; index += 1) made.push(await make(world, objectsOnly));
  const [pinned, inUse, gone] = made;
  const reason = { reason: "kept in a test" };
  await commandBackup(world.context, { id: pinned?.id ?? "", command: "pin", body: reason, key: randomUUID() });
  await commandBackup(world.context, { id: inUse?.id ?? "", command: "verify", body: reason, key: randomUUID() });
  const preview = await previewRetention(world.context, { subject: "fleet/relay", ...retention, keepLast: "1" });
  expect(preview.remove.map(({ number }) => number)).toEqual([3, 2, 1].map((index) => made[index]?.number));
  await applyRetention(world.recovery);
  expect((await states()).map(([state]) => state)).toEqual(["completed", "completed", "deleted", "completed", "completed"]);
  expect(await archives()).not.toContain(gone?.storageKey);
  expect(await archives()).toHaveLength(8);
  await runAll(world);
  await applyRetention(world.recovery);
  expect((await states()).map(([state]) => state)).toEqual(["completed", "deleted", "deleted", "completed", "completed"]);
  // Only damaged ones are newer: the newest verified one stays although the rules want two others.
  await world.db.backup.updateMany({ where: { number: { gt: inUse?.number ?? 0 } }, data: { proof: "failed" } });
  await commandBackup(world.context, { id: pinned?.id ?? "", command: "unpin", body: reason, key: randomUUID() });
  await applyRetention(world.recovery);
  expect(await world.db.backup.findUnique({ where: { id: pinned?.id } })).toMatchObject({ state: "completed" });
});

test("an archive that retention lets go of in the same instant is not begun to be read", async () => {
  const { id } = await make(world, { contents: { ...relayContents, postgres: null } });
  const order = { backupId: id, level: "checksums" as const, byName: "a test" };
  const begun: Promise<unknown>[] = [];
  await world.db.$transaction(async (transaction) => {
    const backup = await lockBackup(transaction, id);
    const restore = { backup, mode: "scratch" as const, parts: null, intoNamespace: null, isPresentLost: false, reason: "now" };
    begun.push(
      expect(world.db.$transaction((other) => queueProof(other, world.recovery, order))).rejects.toThrow("is expired"),
      expect(world.db.$transaction((other) => createRestore(other, world.context, restore))).rejects.toThrow(
        "is being let go of",
      ),
    );
    await until("both wait for their turn", async () => {
      const [row] = await world.db.$queryRaw<{ waiting: number }[]>`
        SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return row?.waiting === 2;
    });
    await transaction.backup.update({ where: { id }, data: { state: "expired" } });
  });
  await Promise.all(begun);
  expect(await world.db.backupProofRun.count({ where: { backupId: id, state: "queued" } })).toBe(0);
});

test("what is not good goes a week later, when a good one came after it", async () => {
  const begun = Date.now();
  const bad = await make(world, {
    contents: { ...relayContents, postgres: { address: { secret: "gone", key: "url" }, tables: null } },
  });
  expect(bad.state).toBe("partial");
  world.setClock(new Date(begun + 8 * 86_400_000));
  await applyRetention(world.recovery);
  expect(await states()).toEqual([["partial", "requested", "checksums"]]);
  await make(world, { contents: { ...relayContents, postgres: null } });
  await applyRetention(world.recovery);
  expect(await states()).toEqual([
    ["deleted", "requested", "checksums"],
    ["completed", "requested", "checksums"],
  ]);
});

test("archives that no row knows are found again with their numbers, read back, and can be proven", async () => {
  const made = await make(world);
  await world.db.backup.deleteMany();
  await reconcileStorage(world.recovery);
  const found = await world.db.backup.findUniqueOrThrow({ where: { id: made.id } });
  expect(found).toMatchObject({
    number: made.number,
    state: "completed",
    proof: "unverified",
    message: "Found in the storage.",
    requestedByName: "olga",
    bytes: made.bytes,
    sha256: made.sha256,
    takenAt: made.takenAt,
    contents: relayContents,
  });
  await reconcileStorage(world.recovery);
  expect(await world.db.backup.count()).toBe(1);
  await runAll(world);
  expect(await world.db.backup.findUnique({ where: { id: made.id } })).toMatchObject({ proof: "checksums" });
  // Later ones go on above it.
  expect((await ask(world)).number).toBeGreaterThan(made.number);
});

test("a backup whose archive is gone from the storage says so and counts no more", async () => {
  const { id, storageKey } = await make(world, { contents: { ...relayContents, postgres: null } });
  await rm(join(world.folder, storageKey ?? ""));
  world.setClock(new Date(Date.now() + 3_600_000));
  await reconcileStorage(world.recovery);
  expect(await world.db.backup.findUnique({ where: { id } })).toMatchObject({
    state: "completed",
    proof: "failed",
    message: expect.stringContaining("is not in file://"),
  });
});

test("alert rules learn of an objective that the schedule can hold, or that somebody set", async () => {
  world.setClock(new Date("2026-03-18T10:20:00Z"));
  await save();
  expect(await readBackupFigures(world.recovery)).toEqual([
    { namespace: "fleet", service: "relay", lastVerifiedSeconds: null, objectiveSeconds: null, isFailing: false },
  ]);
  world.setClock(new Date("2026-03-18T11:00:01Z"));
  expect(await readBackupFigures(world.recovery)).toMatchObject([{ objectiveSeconds: 3_960 }]);
  await world.db.recoveryObjective.create({
    data: {
      ...{ subject: "fleet/relay", scenario: "database", rtoSeconds: 600, rpoSeconds: 300 },
      ...{ updatedAt: new Date(), updatedByName: "ada" },
    },
  });
  expect(await readBackupFigures(world.recovery)).toMatchObject([{ objectiveSeconds: 300 }]);
  await world.db.recoveryObjective.deleteMany();
});
