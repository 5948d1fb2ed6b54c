import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { abortDrill } from "#lib/domain/recovery/drills/commands.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { DrillWorld, drilled } from "./test-drills.ts";

// Each goes through whole drills.
vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
let drills: DrillWorld;
/** What the edge says that it has dropped; null: it does not say. */
let dropped: number | null;

beforeAll(async () => {
  world = await startTestWorld();
  drills = await DrillWorld.start(world, {
    yaml: [
      drilled("hub", "hub", { replicas: 2 }),
      drilled("edge", "edge", { dependsOn: "hub", port: await freePort() }),
      drilled("other", "connector"),
    ],
    fleet: { hub: 2, edge: 1, other: 1 },
    probed: "hub",
  });
  await drills.serve("edge", (_request, response) => {
    if (dropped === null) response.writeHead(500).end();
    else response.end(`# TYPE edge_dropped_total counter\nedge_buffer_depth 7\nedge_dropped_total ${dropped}\n`);
  });
});
afterAll(() => drills?.stop());
beforeEach(() => {
  dropped = 4;
  return drills.begin();
});
afterEach(() => drills.clear());

const hubPath = paths.workload("Deployment", "fleet", "hub");
const hubReplicas = async () => (await world.kubernetes.get<Workload>(hubPath)).spec.replicas;

/** The hub is away for ten seconds of this world's, and an alert arrives. */
async function loseHub(meanwhile: () => void) {
  const { id } = await drills.ask("hub", { subject: "fleet/hub", settings: { awaySeconds: 10 } });
  await drills.strike(id);
  drills.clients.away = [0, 1];
  await until("the hub has no instance", async () => (await drills.listPods("hub")).length === 0);
  await drills.pass(3);
  await drills.fire("hub");
  meanwhile();
  await drills.passUntil(id, "the hub is given back", ({ events }) => events.some(({ kind }) => kind === "remedy"));
  drills.clients.away = [];
  await drills.untilReady("hub");
  return drills.end(id);
}

test("a hub is away for as long as it was to be, and the edges have dropped nothing of what they took", async () => {
  const { drill, report } = await loseHub(() => {});
  expect(drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0 });
  expect(drill.rtoMs).toBeGreaterThanOrEqual(10_000);
  expect(report?.checks).toEqual([{ name: "Readings that edges dropped", wanted: "none", found: "none", passed: true }]);
  expect(await hubReplicas()).toBe(2);
});

test("readings that an edge took and dropped are a miss, though the prober's own messages came through", async () => {
  const { drill, report } = await loseHub(() => {
    dropped = 9;
  });
  expect(drill).toMatchObject({ verdict: "missed", lostWrites: 0 });
  expect(drill.message).toMatch(/Not as it should be: Readings that edges dropped: 5 by edge-/);
  expect(report?.checks).toMatchObject([{ passed: false }]);
});

test("an edge that does not say what it dropped leaves the drill inconclusive", async () => {
  const { drill } = await loseHub(() => {
    dropped = null;
  });
  expect(drill).toMatchObject({ verdict: "inconclusive", message: expect.stringMatching(/What edge-\S+ dropped is not known/) });
});

test("a hub that was taken away is given back when a person aborts, also by another controller", async () => {
  const { id } = await drills.ask("hub", { subject: "fleet/hub" });
  await drills.strike(id);
  await drills.pass();
  expect(await hubReplicas()).toBe(0);
  await abortDrill(drills.operator, id, { reason: "customers call" });
  drills.runner = new DrillRunnerPass(drills.operator);
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ state: "aborted", verdict: "inconclusive", abortedBy: "olga" });
  expect(await hubReplicas()).toBe(2);
  await expect(abortDrill(drills.operator, id, { reason: "customers call" })).rejects.toThrow("is over already");
});

test("a service that the drill is not about becomes unhealthy: the drill is given up and cleaned up", async () => {
  const { id } = await drills.ask("hub", { subject: "fleet/hub", settings: { awaySeconds: 600 } });
  await drills.strike(id);
  const path = paths.workload("Deployment", "fleet", "other");
  await world.kubernetes.patch(path, [
    { op: "replace", path: "/spec/strategy", value: { type: "Recreate" } },
    { op: "add", path: "/spec/template/spec/nodeSelector", value: { no: "such" } },
  ]);
  // Virtual seconds go by faster than the cluster takes note.
  await until("it has no instance", async () => {
    const { status } = await world.kubernetes.get<Workload>(path);
    return !status?.readyReplicas;
  });
  const { drill } = await drills.end(id);
  await world.kubernetes.patch(path, [{ op: "remove", path: "/spec/template/spec/nodeSelector" }]);
  expect(drill).toMatchObject({
    state: "aborted",
    message: expect.stringContaining("fleet/other, which the drill is not about"),
  });
  expect(await hubReplicas()).toBe(2);
});
