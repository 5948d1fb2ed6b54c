import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Prisma } from "#lib/database/client.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import { startTestWorld, type TestWorld, testContext } from "../../actions/test-fleet.ts";
import { deployService, start } from "../test-rollouts.ts";
import { cancelFreezeWindow, createFreezeWindow } from "./freeze.ts";
import { promoteQueued } from "./queue.ts";
import type { RolloutTarget } from "./target.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());
afterEach(async () => {
  await world.db.rollout.deleteMany();
  await world.db.freezeWindow.deleteMany();
});

const stateOf = async (id: string | null) => (await world.db.rollout.findUniqueOrThrow({ where: { id: id ?? "" } })).state;
const finish = (id: string | null) =>
  world.db.rollout.update({ where: { id: id ?? "" }, data: { state: "complete", activeKey: null, finishedAt: new Date() } });
const image = (tag: string) => ({ image: { container: "relay", image: `switchyard/relay:${tag}` } });
/** Two controllers at once. */
const pass = async () =>
  (await Promise.all([promoteQueued(world.context), promoteQueued(world.context)])).reduce((a, b) => a + b);

test("a service has one active rollout; those that wait begin in their order, once each", async () => {
  const service = await deployService(world);
  const first = await start(world.context, service);
  const second = await start(world.context, service, { queue: true, change: image("2.2.0") });
  const third = await start(world.context, service, { queue: true, change: image("2.3.0") });
  expect(await pass()).toBe(0);
  expect(await stateOf(second.rolloutId)).toBe("queued");
  await finish(first.rolloutId);
  expect(await pass()).toBe(1);
  expect([await stateOf(second.rolloutId), await stateOf(third.rolloutId)]).toEqual(["progressing", "queued"]);
  expect(await world.db.rolloutEvent.count({ where: { rolloutId: second.rolloutId ?? "", kind: "started" } })).toBe(1);
  const begun = await world.db.rollout.findUniqueOrThrow({ where: { id: second.rolloutId ?? "" } });
  expect(begun).toMatchObject({ activeKey: `fleet/${service.ref.name}`, run: { index: 0 } });
  await finish(second.rolloutId);
  expect(await pass()).toBe(1);
  expect(await stateOf(third.rolloutId)).toBe("progressing");
});

test("a service waits while one that it depends on is rolled out, not the other way round", async () => {
  const hub = await deployService(world);
  const relay = await deployService(world, { annotations: { "switchyard.dev/depends-on": hub.ref.name } });
  const below = await start(world.context, hub);
  const above = await start(world.context, relay, { queue: true });
  await pass();
  const waiting = await world.db.rollout.findUniqueOrThrow({ where: { id: above.rolloutId ?? "" } });
  expect(waiting.state).toBe("queued");
  expect(waiting.message).toBe(`${relay.ref.name} depends on fleet/${hub.ref.name}, whose rollout to 2.1.0 is not over.`);
  await finish(below.rolloutId);
  await pass();
  expect(await stateOf(above.rolloutId)).toBe("progressing");
  await finish(above.rolloutId);
  const again = await start(world.context, hub, { change: image("2.1.1") });
  const override = { reason: "the fix cannot wait for the hub" };
  const urgent = await start(testContext(world, { role: "admin" }), relay, { override });
  expect(await stateOf(urgent.rolloutId)).toBe("progressing");
  await finish(again.rolloutId);
  const other = await start(world.context, hub, { change: image("2.2.0") });
  expect(await stateOf(other.rolloutId)).toBe("progressing");
});

test("two that depend on each other begin in the order in which they were asked for", async () => {
  const admin = testContext(world, { role: "admin" });
  const one = await deployService(world);
  const other = await deployService(world, { annotations: { "switchyard.dev/depends-on": one.ref.name } });
  await world.kubernetes.patch(paths.workload("Deployment", "fleet", one.ref.name), [
    { op: "add", path: "/metadata/annotations", value: { "switchyard.dev/depends-on": other.ref.name } },
  ]);
  const times = { startsAt: new Date(Date.now() - 60_000).toISOString(), endsAt: new Date(Date.now() + 60_000).toISOString() };
  const window = await createFreezeWindow(admin, { ...times, reason: "the fair" });
  const first = await start(world.context, one, { queue: true });
  const second = await start(world.context, other, { queue: true });
  expect(await pass()).toBe(0);
  await cancelFreezeWindow(admin, window.id, { reason: "it is over early" });
  expect(await pass()).toBe(1);
  expect([await stateOf(first.rolloutId), await stateOf(second.rolloutId)]).toEqual(["progressing", "queued"]);
  await finish(first.rolloutId);
  await pass();
  expect(await stateOf(second.rolloutId)).toBe("progressing");
});

test("a change of the image is applied to the template as it is when it begins; a whole template that would take others' changes back ends", async () => {
  const service = await deployService(world);
  const first = await start(world.context, service);
  const queued = await start(world.context, service, { queue: true, change: image("2.2.0") });
  const labels = { app: service.ref.name, "switchyard.dev/kind": "relay" };
  const container = {
    name: "relay",
    image: "switchyard/relay:3.0.0",
    readinessProbe: { httpGet: { path: "/ready", port: 8081 } },
  };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const whole = await start(world.context, service, { queue: true, change: { template } });
  await world.kubernetes.patch(paths.workload("Deployment", "fleet", service.ref.name), [
    { op: "add", path: "/spec/template/spec/containers/0/env/-", value: { name: "ADDED", value: "by others" } },
  ]);
  await finish(first.rolloutId);
  await pass();
  const begun = await world.db.rollout.findUniqueOrThrow({ where: { id: queued.rolloutId ?? "" } });
  const target = begun.target as unknown as RolloutTarget;
  expect(target.template.spec.containers[0]).toMatchObject({
    image: "switchyard/relay:2.2.0",
    env: [{ name: "TOKEN" }, { name: "ADDED", value: "by others" }],
  });
  await finish(queued.rolloutId);
  await pass();
  expect(await world.db.rollout.findUniqueOrThrow({ where: { id: whole.rolloutId ?? "" } })).toMatchObject({
    state: "superseded",
    message: expect.stringContaining("changed while this waited"),
  });
});

test("an override is for the freeze that held then, not for one of later", async () => {
  const admin = testContext(world, { role: "admin" });
  const freeze = (minutes: number, reason: string) =>
    createFreezeWindow(admin, {
      startsAt: new Date(Date.now() - 60_000).toISOString(),
      endsAt: new Date(Date.now() + minutes * 60_000).toISOString(),
      reason,
    });
  const service = await deployService(world);
  const first = await start(world.context, service);
  await freeze(60, "the fair");
  const override = { reason: "the fix cannot wait for it" };
  const urgent = await start(admin, service, { override, queue: true, change: image("2.2.0") });
  const later = await freeze(10, "the election");
  await finish(first.rolloutId);
  expect(await pass()).toBe(0);
  expect((await world.db.rollout.findUniqueOrThrow({ where: { id: urgent.rolloutId ?? "" } })).message).toContain("the election");
  await cancelFreezeWindow(admin, later.id, { reason: "it is over early" });
  expect(await pass()).toBe(1);
  expect(await stateOf(urgent.rolloutId)).toBe("progressing");
});

/** As many copies of a rollout that waits, asked for right after it. */
async function queueMore(rolloutId: string | null, count: number): Promise<void> {
  const { auditEntry, ...row } = await world.db.rollout.findUniqueOrThrow({
    where: { id: rolloutId ?? "" },
    include: { auditEntry: true },
  });
  const copies = Array.from({ length: count }, (_, index) => ({
    row: { ...row, id: randomUUID(), auditEntryId: randomUUID(), startedAt: new Date(row.startedAt.getTime() + index + 1) },
  }));
  const audited = copies.map((copy) => ({ ...auditEntry, id: copy.row.auditEntryId, idempotencyKey: null }));
  await world.db.auditEntry.createMany({ data: audited as Prisma.AuditEntryCreateManyInput[] });
  const rows = copies.map((copy) => ({ ...copy.row, run: undefined }));
  await world.db.rollout.createMany({ data: rows as Prisma.RolloutCreateManyInput[] });
}

test("the queue of one service is bounded, and keeps no other service back", async () => {
  const busy = await deployService(world);
  await start(world.context, busy);
  const waiting = await start(world.context, busy, { queue: true, change: image("2.2.0") });
  await queueMore(waiting.rolloutId, 19);
  await expect(start(world.context, busy, { queue: true, change: image("2.3.0") })).rejects.toMatchObject({
    code: "precondition-failed",
    message: `Nothing was started. 20 rollouts of ${busy.ref.name} wait already, as many as may; abort one of them first.`,
  });
  await queueMore(waiting.rolloutId, 185);
  const other = await deployService(world);
  const active = await start(world.context, other);
  const next = await start(world.context, other, { queue: true, change: image("2.2.0") });
  await world.db.rollout.update({
    where: { id: next.rolloutId ?? "" },
    data: { startedAt: new Date(Date.now() + 60_000) },
  });
  await finish(active.rolloutId);
  expect(await pass()).toBe(1);
  expect(await stateOf(next.rolloutId)).toBe("progressing");
  const told = await world.db.rollout.findMany({ where: { service: busy.ref.name, state: "queued" }, distinct: ["message"] });
  expect(told.map(({ message }) => message).toSorted()).toEqual([
    `The rollout to 2.1.0 of ${busy.ref.name} is under way.`,
    `The rollout to 2.2.0 of ${busy.ref.name} was asked for before and waits.`,
  ]);
});
