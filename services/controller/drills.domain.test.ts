import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import { notKeyed } from "#lib/domain/idempotency.ts";
import { closeItem } from "#lib/domain/incidents/action-items/close.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { abortDrill, startDrill } from "#lib/domain/recovery/drills/commands.ts";
import { getDrill } from "#lib/domain/recovery/drills/queries.ts";
import { drillMarkdown } from "#lib/domain/recovery/drills/report-markdown.ts";
import { queueDueDrills, setDrillSchedule } from "#lib/domain/recovery/drills/schedules.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import { DrillWorld, drilled, isReady } from "./test-drills.ts";

// Each goes through whole drills.
vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
let drills: DrillWorld;

beforeAll(async () => {
  world = await startTestWorld();
  drills = await DrillWorld.start(world, {
    yaml: [drilled("relay", "relay", { replicas: 2 })],
    fleet: { relay: 2 },
    probed: "relay",
  });
});
afterAll(() => drills?.stop());
beforeEach(() => drills.begin());
afterEach(() => drills.clear());

test("an instance is killed once, its clients are measured until they are served, and its incident is a drill's", async () => {
  const before = (await drills.listPods("relay")).map(({ metadata }) => metadata.uid);
  const { id } = await drills.ask("instance");
  await expect(drills.ask("instance")).rejects.toThrow("is not over yet");
  await drills.strike(id);
  drills.clients.away = [1];
  await drills.pass(2);
  await drills.fire();
  await drills.pass(2);
  drills.clients.away = [];
  const { drill, report, events } = await drills.end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, rpoMs: 0, errorMs: expect.any(Number) });
  expect(drill.rtoMs).toBe(4_200);
  const after = (await drills.listPods("relay")).map(({ metadata }) => metadata.uid);
  expect(before.filter((uid) => !after.includes(uid))).toHaveLength(1);
  expect(events.map(({ kind }) => kind)).toEqual([
    "asked",
    "begun",
    "struck",
    ...["confirmed", "detected", "recovered", "cleaned", "ended"],
  ]);
  expect(report?.phases.map(({ name }) => name)).toEqual(["detect", "assess", "fail-over", "recover"]);
  const incident = await world.db.incident.findUniqueOrThrow({ where: { id: drill.incidentId ?? "" } });
  expect(incident).toMatchObject({ isDrill: true, origin: "drill", resolvedAt: expect.any(Date) });
  expect(drillMarkdown(await getDrill(drills.operator, id))).toContain("| RTO | ");
});

test("a miss has an action item, which the same drill proves done", async () => {
  const { id } = await drills.ask("instance");
  await drills.strike(id);
  await drills.fire();
  drills.clients.losses.push([drills.now() - 3_000, drills.now() + 500]);
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "missed", lostWrites: 1 });
  const item = await world.db.actionItem.findUniqueOrThrow({ where: { id: drill.actionItemId ?? "" } });
  expect(item).toMatchObject({ ownerName: "network", proof: { kind: "drill", drill: "instance fleet/relay" } });
  const close = () => closeItem(drills.operator, item.id, { overrideReason: null, keyed: notKeyed });
  await expect(close()).rejects.toThrow("was not carried out since");
  await world.db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(drills.now()) } });
  drills.clients.losses.length = 0;
  const again = await drills.ask("instance");
  await drills.strike(again.id);
  await drills.fire();
  expect((await drills.end(again.id)).drill.verdict).toBe("met");
  await world.db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(drills.now()) } });
  expect((await close()).state).toBe("done");
});

test("nobody being told is a miss, though clients were served again", async () => {
  const { id } = await drills.ask("instance");
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ verdict: "missed", message: expect.stringContaining("No alert told anybody of it.") });
});

test("a controller that is killed before the deed has a successor that does it, to the same instance", async () => {
  const { id } = await drills.ask("instance");
  const dying = { ...drills.operator, kubernetes: failingOnce(world.kubernetes) };
  drills.runner = new DrillRunnerPass(dying);
  const { drill } = await drills.strike(id);
  expect((await drills.listPods("relay")).filter(isReady)).toHaveLength(2);
  drills.runner = new DrillRunnerPass(drills.operator);
  await drills.fire();
  expect((await drills.end(id)).drill).toMatchObject({ verdict: "met", target: drill.target, faultAt: drill.faultAt });
});

/** The first pod that is to be removed is not: the process ends at that moment. */
function failingOnce(kubernetes: KubernetesClient): KubernetesClient {
  let hasFailed = false;
  return new Proxy(kubernetes, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "remove") return member.bind(target);
      return (...rest: unknown[]) => {
        if (hasFailed) return member.apply(target, rest);
        hasFailed = true;
        throw new Error("killed");
      };
    },
  });
}

test("without what has the power over nodes a node's loss is refused, and it says what to set", async () => {
  await expect(drills.ask("node")).rejects.toThrow("SWITCHYARD_NODE_POWER");
});

test("a cluster that is not labelled wants an administrator's word, with a reason", async () => {
  const label = "/metadata/labels/switchyard.dev~1drills";
  await world.kubernetes.patch(paths.namespace("fleet"), [{ op: "remove", path: label }]);
  await expect(drills.ask("instance")).rejects.toThrow("does not carry the label switchyard.dev/drills=allowed");
  await expect(drills.ask("instance", { override: "the owner knows" })).rejects.toThrow("needs the role admin");
  const admin = drills.admin();
  const input = { scenario: "instance", subject: "fleet/relay", reason: "every quarter", override: "the owner knows" };
  const { id } = await startDrill(admin, input, randomUUID());
  await world.kubernetes.patch(paths.namespace("fleet"), [{ op: "add", path: label, value: "allowed" }]);
  await abortDrill(drills.operator, id, { reason: "enough" });
  expect((await drills.end(id)).drill).toMatchObject({ state: "aborted", faultAt: null });
});

test("a schedule asks for its drill once when it is due, and a freeze keeps it from beginning, which it says", async () => {
  const admin = drills.admin();
  const cron = "* * * * *";
  const schedule = await setDrillSchedule(admin, { scenario: "instance", subject: "fleet/relay", cron, reason: "every minute" });
  expect(schedule.nextAt).not.toBeNull();
  expect(await queueDueDrills(drills.operator)).toBe(0);
  drills.skip(61_000);

  const starts = await Promise.all([queueDueDrills(drills.operator), queueDueDrills(drills.operator)]);
  expect(starts.reduce((sum, one) => sum + one, 0)).toBe(1);
  await world.db.drillSchedule.update({ where: { id: schedule.id }, data: { isEnabled: false } });
  const at = new Date(drills.now());
  const freeze = {
    reason: "christmas",
    startsAt: at,
    endsAt: new Date(drills.now() + 3_600_000),
    createdAt: at,
    createdByName: "ada",
  };
  const { id } = await world.db.freezeWindow.create({ data: freeze });
  const row = await world.db.drill.findFirstOrThrow({ where: { scheduleId: schedule.id } });
  const { drill } = await drills.end(row.id);
  await world.db.freezeWindow.delete({ where: { id } });
  expect(drill).toMatchObject({ state: "aborted", faultAt: null, message: expect.stringContaining("christmas") });
});
