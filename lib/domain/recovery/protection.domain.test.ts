import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readBackupFigures } from "./backups/figures.ts";
import { getPlan, savePlan } from "./backups/plans.ts";
import { ensureOwnPlan, queueDue } from "./backups/schedules.ts";
import { as } from "./backups/test-backups.ts";
import { listDrillSchedules } from "./drills/queries.ts";
import { deleteDrillSchedule } from "./drills/schedules.ts";
import { objectiveOf } from "./objectives/commands.ts";
import { ensureProtection, type Protection } from "./protection.ts";
import type { Subject } from "./schemas.ts";
import { type RecoveryWorld, relayContents, startRecoveryWorld } from "./test-recovery.ts";

let world: RecoveryWorld;
beforeAll(async () => {
  world = await startRecoveryWorld();
});
afterAll(() => world?.stop());
afterEach(async () => {
  world.setClock(null);
  await world.db.backup.deleteMany();
  await world.db.backupPlan.deleteMany();
  await world.db.drillSchedule.deleteMany();
  await world.db.recoveryObjective.deleteMany();
  await world.db.setting.deleteMany();
});

const relay: Subject = { kind: "service", ref: { namespace: "fleet", name: "relay" } };
const retention = { keepLast: 2, keepDaily: 1, keepWeekly: 0, keepMonthly: 0 };
const start = new Date("2026-03-18T10:20:00Z");
const later = (minutes: number) => new Date(start.getTime() + minutes * 60_000);

function protection(): Protection {
  const plan = { retention, rpoSeconds: 3900, firstBackupAt: later(2), proveCron: "0 3 * * *" };
  return {
    plans: [
      { ...plan, subject: relay, contents: relayContents, cron: "0 * * * *" },
      { ...plan, subject: { kind: "switchyard" }, contents: { ...relayContents, postgres: null }, cron: "30 * * * *" },
    ],
    drills: [{ scenario: "instance", subject: relay, cron: "0 10 1 1,4,7,10 *" }],
  };
}

const orders = async () => (await world.db.backup.findMany({ orderBy: { number: "asc" } })).map(({ subject }) => subject);

test("an installation begins with plans that its objectives can be held by, and drills that come every quarter", async () => {
  world.setClock(start);
  await ensureProtection(world.db, protection(), start);
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({
    isSet: true,
    cron: "0 * * * *",
    retention,
    nextBackupAt: later(2).toISOString(),
    nextProofAt: "2026-03-19T03:00:00.000Z",
    updatedBy: "Switchyard",
  });
  expect(await objectiveOf(world.db, relay, "database")).toEqual({ rtoSeconds: 3600, rpoSeconds: 3900 });
  expect(await objectiveOf(world.db, { kind: "switchyard" }, "control-plane")).toMatchObject({ rpoSeconds: 3900 });
  expect(await listDrillSchedules(world.context)).toMatchObject([
    {
      scenario: "instance",
      subject: "fleet/relay",
      isEnabled: true,
      nextAt: "2026-04-01T10:00:00.000Z",
      updatedBy: "Switchyard",
    },
  ]);
});

test("the first backup is ordered at its time, and later ones by the schedule", async () => {
  await ensureProtection(world.db, protection(), start);
  world.setClock(later(1));
  await queueDue(world.recovery);
  expect(await orders()).toEqual([]);
  world.setClock(later(2));
  await queueDue(world.recovery);
  expect((await orders()).sort()).toEqual(["fleet/relay", "switchyard"]);
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({ nextBackupAt: "2026-03-18T11:00:00.000Z" });
  expect(await readBackupFigures(world.recovery)).toEqual(
    expect.arrayContaining([expect.objectContaining({ service: "relay", objectiveSeconds: 3900 })]),
  );
});

test("what people have changed or removed stays so over later starts", async () => {
  await ensureProtection(world.db, protection(), start);
  const admin = as(world, "admin");
  const body = { contents: relayContents, cron: null, proveCron: null, retention, reason: "only on demand" };
  await savePlan(admin, { subject: "fleet/relay", body });
  const [schedule] = await listDrillSchedules(world.context);
  await deleteDrillSchedule(admin, schedule?.id ?? "", { reason: "not here" });
  await world.db.recoveryObjective.deleteMany();
  await ensureProtection(world.db, protection(), later(60));
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({ cron: null, updatedBy: "ada" });
  expect(await listDrillSchedules(world.context)).toEqual([]);
  expect(await objectiveOf(world.db, relay, "database")).toMatchObject({ rpoSeconds: 60 });
});

test("a plan that was there before stays, with the objective that its subject has", async () => {
  world.setClock(start);
  await ensureOwnPlan(world.recovery);
  await ensureProtection(world.db, protection(), start);
  expect(await getPlan(world.context, "switchyard")).toMatchObject({ cron: "0 3 * * *" });
  expect(await objectiveOf(world.db, { kind: "switchyard" }, "control-plane")).toMatchObject({ rpoSeconds: 60 });
  await ensureOwnPlan(world.recovery);
  expect(await getPlan(world.context, "fleet/relay")).toMatchObject({ cron: "0 * * * *" });
});
