import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Prisma } from "#lib/database/generated/client.ts";
import { startStrategy } from "#lib/domain/rollouts/start/start.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { Random } from "../conformance/fuzz/random.ts";
import { type Journey, journeys } from "./crashes/journeys.ts";
import { type CrashWorld, deploy, readObjects, readWrites, startCrashWorld, undeploy } from "./crashes/world.ts";

/** kill -9 of controllers at random instants of rollouts: the outcome is the one of an undisturbed controller, and no step is done twice. */

const crashes = Number(process.env.SWITCHYARD_CRASHES ?? 100);
const seed = Number(process.env.SWITCHYARD_CRASH_SEED ?? 20_261_121);
/** A controller lives at most so long; half of them a quarter of it, which is about two passes of its loop. */
const longestLifeMs = 8_000;

let world: CrashWorld;
const expected = new Map<string, Awaited<ReturnType<typeof outcomeOf>>>();

beforeAll(async () => {
  world = await startCrashWorld();
}, 120_000);
afterAll(() => world?.stop());

async function startAll(round: string) {
  return Promise.all(
    journeys.map(async (journey) => {
      const name = `${journey.name}-${round}`;
      const { ref, seen } = await deploy(world, name, journey);
      const change = { image: { container: "relay", image: "switchyard/relay:2.1.0" } };
      const body = { strategy: journey.strategy, change, reason: "carried out while controllers are killed", seen };
      const key = randomUUID();
      // Again with the same key: a machine that is busy with controllers that start may refuse a connection.
      const { rolloutId } = await until(`${name} is started`, () => startStrategy(world.context, { ref, body, key }), 60_000);
      return { journey, name, id: rolloutId ?? "" };
    }),
  );
}

type Started = Awaited<ReturnType<typeof startAll>>;

/** Whether all have ended, and the checks after those that are complete were made. */
async function areOver(started: Started): Promise<boolean> {
  const open: Prisma.RolloutWhereInput[] = [
    { state: { in: ["queued", "progressing", "paused"] } },
    { state: "complete", events: { none: { kind: "check" } } },
  ];
  return (await world.db.rollout.count({ where: { id: { in: started.map(({ id }) => id) }, OR: open } })) === 0;
}

function readOutcome(one: { id: string; name: string }) {
  return until("the outcome is read", () => outcomeOf(one), 60_000);
}

async function outcomeOf({ id, name }: { id: string; name: string }) {
  const { state, activeKey } = await world.db.rollout.findUniqueOrThrow({ where: { id } });
  const events = await world.db.rolloutEvent.findMany({ where: { rolloutId: id }, orderBy: { id: "asc" } });
  return {
    state,
    activeKey,
    objects: await readObjects(world, name),
    writes: readWrites(world, name),
    // A machine that is busy may keep the next controller from its first pass for a while.
    events: events.map(({ kind }) => kind).filter((kind) => kind !== "absent"),
  };
}

/**
 * The same objects at the end, and nothing written or told more often than undisturbed. How far one comes before its analysis gives it
 * up is a matter of time, so that it may leave something out; one that is completed does all of it.
 */
function expectSame(outcome: Awaited<ReturnType<typeof outcomeOf>>, { name, ends }: Journey, where: string): void {
  const undisturbed = expected.get(name);
  const { writes, events } = outcome;
  expect(outcome, where).toEqual(ends === "complete" ? undisturbed : { ...undisturbed, writes, events });
  const counts = { ...writes, ...countEach(events) };
  const most: Record<string, number> = { ...undisturbed?.writes, ...countEach(undisturbed?.events ?? []) };
  for (const [what, count] of Object.entries(counts)) expect(count, `${what}, ${where}`).toBeLessThanOrEqual(most[what] ?? 0);
}

function countEach(names: readonly string[]): Record<string, number> {
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((each) => each === name).length]));
}

function explain({ name }: Journey, round: number): string {
  return `${name} in round ${round} (seed ${seed})`;
}

describe("rollouts", () => {
  it("end as they are meant to with a controller that nobody disturbs", async () => {
    const controllers = world.controllers();
    await controllers.start(1);
    try {
      const started = await startAll("calm");
      await until("all are over", () => areOver(started), 480_000);
      for (const one of started) {
        const outcome = await readOutcome(one);
        expect(outcome, one.name).toMatchObject({ state: one.journey.ends, activeKey: null });
        expect(Object.keys(outcome.objects).filter((object) => object.includes("candidate"))).toEqual([]);
        expected.set(one.journey.name, outcome);
      }
    } finally {
      await controllers.stop();
    }
  }, 600_000);

  it.each([1, 2])(
    "end the same, each write done once, while %i of them are killed at random",
    async (count) => {
      const random = new Random(seed + count);
      const controllers = world.controllers();
      await controllers.start(count);
      let killed = 0;
      try {
        for (let round = 1; killed < crashes; round += 1) {
          const started = await startAll(`${count}-${round}`);
          const deadline = performance.now() + 900_000;
          while (!(await areOver(started).catch(() => false))) {
            expect(performance.now(), `round ${round} does not end (seed ${seed})`).toBeLessThan(deadline);
            await new Promise((resolve) => setTimeout(resolve, longestLifeMs * random.next() ** 2));
            if (killed >= crashes) continue;
            await controllers.replace(random.below(count));
            killed += 1;
          }
          for (const one of started) {
            expectSame(await readOutcome(one), one.journey, explain(one.journey, round));
            await undeploy(world, one.name);
          }
        }
      } finally {
        await controllers.stop();
      }
      expect(killed).toBe(crashes);
    },
    3_600_000,
  );
});
