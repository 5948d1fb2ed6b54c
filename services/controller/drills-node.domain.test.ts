import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { abortDrill } from "#lib/domain/recovery/drills/commands.ts";
import type { NodePower } from "#lib/domain/recovery/drills/node-power.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import { DrillWorld, drilled, isReady, virtualNode } from "./test-drills.ts";

// Each goes through whole drills.
vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
let drills: DrillWorld;
/** Names of the nodes without power. */
const off = new Set<string>();

const setUnschedulable = (name: string, value: boolean) =>
  world.kubernetes.patch(`${paths.nodes}/${name}`, [{ op: "add", path: "/spec/unschedulable", value }]);

/** Virtual nodes: one without power takes no pods any more, and those that it had are gone at once. */
const nodePower: NodePower = {
  list: async () => ["roomy", "spare"].map((name) => ({ name, isOn: !off.has(name) })),
  kill: async (name) => {
    off.add(name);
    await setUnschedulable(name, true);
    const pods = await world.kubernetes.list<Pod>(paths.podsOf("fleet"));
    for (const { metadata } of pods.filter(({ spec }) => spec.nodeName === name)) {
      await world.kubernetes.remove(paths.pod("fleet", metadata.name), { uid: metadata.uid }, { graceSeconds: 0 });
    }
  },
  start: async (name) => {
    if (off.delete(name)) await setUnschedulable(name, false);
  },
};

beforeAll(async () => {
  world = await startTestWorld();
  drills = await DrillWorld.start(world, {
    yaml: [virtualNode("spare"), drilled("redis", "cache"), drilled("relay", "relay", { replicas: 4, dependsOn: "redis" })],
    fleet: { relay: 4, redis: 1 },
    probed: "relay",
    nodePower,
  });
});
afterAll(() => drills?.stop());
beforeEach(async () => {
  await spreadRelay();
  await drills.begin();
});
afterEach(() => drills.clear());

/** What an earlier test took off a node does not come back to it by itself. */
async function spreadRelay(): Promise<void> {
  for (const { metadata } of await drills.listPods("relay")) {
    await world.kubernetes.remove(paths.pod("fleet", metadata.name), { uid: metadata.uid }, { graceSeconds: 0 });
  }
}

const nodesOf = async (app: string) => (await drills.listPods(app)).filter(isReady).map(({ spec }) => spec.nodeName);

/** Asks for the loss of a node, and lets it go on until its pods are gone. */
async function loseNode() {
  const { id } = await drills.ask("node");
  const { drill } = await drills.strike(id);
  await drills.pass();
  return { id, target: drill.target ?? "" };
}

test("a node that loses its power is not the prober's, gets it back, and its instances run elsewhere meanwhile", async () => {
  const { id, target } = await loseNode();
  expect(await nodesOf("prober")).not.toContain(target);
  expect([...off]).toEqual([target]);
  drills.clients.away = [0];
  await drills.pass(3);
  await drills.fire();
  drills.clients.away = [];
  await drills.untilReady("relay");
  expect(await nodesOf("relay")).not.toContain(target);
  const { drill, events } = await drills.end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, target });
  expect(drill.rtoMs).toBeGreaterThan(3_000);
  expect(events.find(({ kind }) => kind === "confirmed")?.message).toBe(`${target} has no power.`);
  expect(off.size).toBe(0);
  // All of them run on the other node now: it is the only one that could be lost, and has the prober.
  await expect(drills.ask("node")).rejects.toThrow(/No node may be lost\. \w+: fleet\/prober runs on it, which measures/);
});

test("clients that are served for a while only are told of, and count until they are served for good", async () => {
  const { id } = await loseNode();
  for (const seconds of [2, 3]) {
    drills.clients.away = [0];
    await drills.pass(seconds);
    drills.clients.away = [];
    await drills.pass(8);
  }
  // That nobody can look says nothing of them.
  drills.clients.isMute = true;
  await drills.pass(3);
  drills.clients.isMute = false;
  await drills.fire();
  await drills.untilReady("relay");
  const { drill, events } = await drills.end(id);
  const told = events.map(({ kind }) => kind).filter((kind) => kind === "recovered" || kind === "relapsed");
  expect(told).toEqual(["recovered", "relapsed", "recovered"]);
  expect(drill.rtoMs).toBeGreaterThan(10_000);
});

test("a node gets its power back when somebody aborts, also from another controller", async () => {
  const { id } = await loseNode();
  await abortDrill(drills.operator, id, { reason: "customers call" });
  drills.runner = new DrillRunnerPass(drills.operator);
  expect((await drills.end(id)).drill).toMatchObject({ state: "aborted", verdict: "inconclusive" });
  expect(off.size).toBe(0);
});

test("a node is not lost while another one has no power", async () => {
  off.add("roomy");
  await expect(drills.ask("node")).rejects.toThrow("roomy has no power already.");
  off.clear();
});

test("of a Redis that is killed no more may be gone than the objective permits, which is told as a time", async () => {
  const [before] = await drills.listPods("redis");
  const { id } = await drills.ask("redis");
  await drills.strike(id);
  await drills.fire();
  drills.clients.losses.push([drills.now() - 2_000, drills.now() + 500], [drills.now() - 1_000, drills.now() + 500]);
  await drills.untilReady("redis");
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "met", target: before?.metadata.name, lostWrites: 2 });
  expect(drill.rpoMs).toBeGreaterThanOrEqual(1_000);
  expect(drill.rpoMs).toBeLessThan(10_000);
  expect((await drills.listPods("redis")).map(({ metadata }) => metadata.uid)).not.toContain(before?.metadata.uid);
});
