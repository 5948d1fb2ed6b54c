import { afterAll, beforeAll, expect, test } from "vitest";
import { listIncidentSuspects } from "./suspects.ts";
import { relay, storeAction } from "./test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

const hub = { namespace: "fleet", name: "hub" };
const postgres = { namespace: "fleet", name: "postgres" };
const ago = (seconds: number) => new Date(world.now().getTime() - seconds * 1000);

test("suspects are the changes of all services of the incident and of what they need, each once, with what was measured", async () => {
  const image = await storeAction(world.db, { at: ago(60), service: relay });
  const ofDatabase = await storeAction(world.db, { at: ago(30), verb: "restart", service: postgres });
  const scale = await storeAction(world.db, { at: ago(90), verb: "scale", service: hub });
  await storeAction(world.db, { at: ago(31 * 60), service: relay });
  await storeAction(world.db, { at: ago(-1), service: relay });
  await storeAction(world.db, { at: ago(20), outcome: "failed", service: relay });
  const figures = { requestsPerSecond: 10, errorRatio: 0, latencyP95Seconds: 0.004 };
  await world.db.actionMeasure.create({ data: { auditEntryId: image, before: figures, beforeAt: ago(60) } });
  const dependsOn = ["fleet/postgres"];
  const impactStartedAt = world.now();
  const of = async (...services: { namespace: string; name: string; dependsOn: string[] }[]) =>
    (await listIncidentSuspects(world.db, { impactStartedAt, services })).map(({ auditId, relation }) => [auditId, relation]);

  expect(await of({ ...relay, dependsOn })).toEqual([
    [image, "same-service"],
    [ofDatabase, "dependency"],
  ]);
  expect(await of({ ...relay, dependsOn }, { ...hub, dependsOn })).toEqual([
    [image, "same-service"],
    [scale, "same-service"],
    [ofDatabase, "dependency"],
  ]);
  expect(await of({ ...relay, dependsOn }, { ...postgres, dependsOn: [] })).toEqual([
    [ofDatabase, "same-service"],
    [image, "same-service"],
  ]);
  const [suspect] = await listIncidentSuspects(world.db, { impactStartedAt, services: [{ ...relay, dependsOn: [] }] });
  expect(suspect).toMatchObject({ actor: "piet", verb: "image", change: "2.0.0 → 2.1.0", before: figures, after: null });
  expect(await of()).toEqual([]);
});

test("what was measured after a change is told of the last one before the measurement only", async () => {
  const issuer = { namespace: "fleet", name: "issuer" };
  const first = await storeAction(world.db, { at: ago(300), service: issuer });
  const second = await storeAction(world.db, { at: ago(240), service: issuer, verb: "scale" });
  const figures = { requestsPerSecond: 10, errorRatio: 0, latencyP95Seconds: 0.004 };
  const bad = { ...figures, latencyP95Seconds: 0.4 };
  for (const [auditEntryId, afterAt] of [
    [first, ago(180)],
    [second, ago(120)],
  ] as const) {
    await world.db.actionMeasure.create({ data: { auditEntryId, before: figures, after: bad, afterAt } });
  }
  const services = [{ ...issuer, dependsOn: [] }];
  const suspects = await listIncidentSuspects(world.db, { impactStartedAt: world.now(), services });
  const told = Object.fromEntries(suspects.map(({ auditId, before, after }) => [auditId, { before, after }]));
  expect(told).toEqual({ [first]: { before: figures, after: null }, [second]: { before: figures, after: bad } });
});

test("what was changed between the impact's start and its detection is suspected after what came before it", async () => {
  const connector = { namespace: "fleet", name: "connector" };
  const first = await storeAction(world.db, { at: ago(600), service: connector });
  const worse = await storeAction(world.db, { at: ago(20), service: connector });
  await storeAction(world.db, { at: ago(5), service: connector, verb: "rollback" });
  const services = [{ ...connector, dependsOn: [] }];
  const suspects = await listIncidentSuspects(world.db, { impactStartedAt: ago(30), detectedAt: ago(10), services });
  expect(suspects.map(({ auditId, secondsBefore, closeness }) => [auditId, secondsBefore, closeness])).toEqual([
    [first, 570, "9 m 30 s before, on connector itself"],
    [worse, 0, "10 s after the impact began, on connector itself"],
  ]);
});

test("a restore in place and a drill of a service are suspected as its changes are", async () => {
  const store = { namespace: "fleet", name: "store" };
  const audited = (targetKind: string, targetName: string, over: { verb: string; after: object; at: Date }) =>
    world.db.auditEntry.create({
      data: {
        actorKind: "user",
        actorName: "ada",
        targetKind,
        targetNamespace: "fleet",
        targetName,
        outcome: "succeeded",
        requestId: "test",
        ...over,
      },
    });
  const by = { reason: "documents were deleted", requestedByName: "ada", message: "" };
  const subject = { subject: "fleet/store", namespace: "fleet", service: "store" };
  const backup = await world.db.backup.create({
    data: { ...subject, ...by, requestedByKind: "user", purpose: "requested", contents: {}, createdAt: ago(900) },
  });
  for (const [mode, at] of [
    ["in-place", ago(60)],
    ["scratch", ago(50)],
  ] as const) {
    const { id } = await audited("backup", `Backup ${backup.number}`, {
      verb: "restore",
      after: { mode, parts: ["postgres"] },
      at,
    });
    const restore = { auditEntryId: id, backupId: backup.id, mode, parts: ["postgres"], run: {}, createdAt: at };
    await world.db.restore.create({ data: { ...subject, ...by, ...restore } });
  }
  await audited("drill", "store", { verb: "drill", after: { scenario: "redis" }, at: ago(30) });
  await audited("drill", "store", { verb: "abort", after: {}, at: ago(20) });
  const services = [{ ...store, dependsOn: [] }];
  const suspects = await listIncidentSuspects(world.db, { impactStartedAt: world.now(), services });
  expect(suspects.map(({ verb, change }) => [verb, change])).toEqual([
    ["drill", "a fault on purpose (redis)"],
    ["restore", "postgres brought back from a backup"],
  ]);
});
