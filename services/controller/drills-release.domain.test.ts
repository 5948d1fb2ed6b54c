import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { abortDrill } from "#lib/domain/recovery/drills/commands.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { DrillWorld, drilled } from "./test-drills.ts";

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

const good = "switchyard/relay:1.0.0";
const bad = "switchyard/relay:9.9.9";
const imagesOf = async () =>
  (await drills.listPods("relay"))
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ spec }) => spec.containers[0]?.image);
const workload = () => world.kubernetes.get<Workload>(paths.workload("Deployment", "fleet", "relay"));
const wanted = async () => (await workload()).spec.template.spec.containers[0]?.image;
const kinds = ({ events }: DrillDetail) => events.map(({ kind }) => kind);

/** Asks for the drill, and lets it go on until an instance has the bad release. */
async function release(): Promise<string> {
  const { id } = await drills.ask("bad-release", { settings: { image: bad } });
  await drills.strike(id);
  await until("an instance has it", async () => (await imagesOf()).includes(bad));
  await drills.passUntil(id, "it is confirmed", (detail) => kinds(detail).includes("confirmed"));
  return id;
}

/** The cluster's own time goes by, which this world's does not. */
const untilBack = () =>
  until("every instance has the version from before", async () => (await imagesOf()).join() === `${good},${good}`);

/** Rolled back, whoever does it, and over. */
async function end(id: string): Promise<DrillDetail> {
  await until("it is rolled back", async () => {
    const isBack = (await wanted()) === good;
    if (!isBack) await drills.pass();
    return isBack;
  });
  await untilBack();
  return drills.end(id);
}

test("a release that fails is rolled back when an alert arrives, and not before", async () => {
  const id = await release();
  drills.clients.away = [0];
  await drills.pass(5);
  expect(await wanted()).toBe(bad);
  await drills.fire();
  await drills.pass(2);
  expect(await wanted()).toBe(good);
  drills.clients.away = [];
  const detail = await end(id);
  expect(detail.drill).toMatchObject({ state: "completed", verdict: "met", target: bad, lostWrites: 0 });
  expect(detail.drill.rtoMs).toBeGreaterThan(5_000);
  expect(kinds(detail)).toEqual(expect.arrayContaining(["confirmed", "detected", "remedy", "remedied", "recovered", "cleaned"]));
  const actions = await world.db.auditEntry.findMany({ where: { targetName: "relay", verb: { in: ["image", "rollback"] } } });
  expect(actions.map(({ verb, actorName }) => `${verb} by ${actorName}`).sort()).toEqual([
    "image by Switchyard",
    "rollback by Switchyard",
  ]);
});

test("without an alert it is rolled back all the same after a minute, and that nobody was told is a miss", async () => {
  const id = await release();
  const { drill } = await end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "missed" });
  expect(drill.message).toContain("No alert told anybody of it.");
  expect(await wanted()).toBe(good);
});

test("a person who aborts it gets the version from before, also from another controller", async () => {
  const id = await release();
  await abortDrill(drills.operator, id, { reason: "customers call" });
  drills.runner = new DrillRunnerPass(drills.operator);
  const { drill } = await end(id);
  expect(drill).toMatchObject({ state: "aborted", verdict: "inconclusive", abortedBy: "olga" });
  expect(await wanted()).toBe(good);
});

test("a release that somebody else rolled back meanwhile is not rolled back a second time", async () => {
  const id = await release();
  const rolled = await workload();
  await world.kubernetes.patch(paths.workload("Deployment", "fleet", "relay"), [
    { op: "replace", path: "/spec/template/spec/containers/0/image", value: good },
  ]);
  await untilBack();
  await drills.fire();
  const { drill } = await end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "met" });
  expect((await workload()).metadata.generation).toBe((rolled.metadata.generation ?? 0) + 1);
});

test("no image, and the one that runs already, are refused", async () => {
  await expect(drills.ask("bad-release")).rejects.toThrow("Name the image of a release that fails.");
  await expect(drills.ask("bad-release", { settings: { image: good } })).rejects.toThrow(`fleet/relay has ${good} already.`);
});
