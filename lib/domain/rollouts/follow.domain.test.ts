import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import { getRolloutDetail } from "./detail.ts";
import { runPostChecks } from "./post-checks.ts";
import { commandRollout } from "./run-commands.ts";
import type { RolloutDetail } from "./schemas.ts";
import { canary, deployService, start } from "./test-rollouts.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

async function begin() {
  const service = await deployService(world, { replicas: 2 });
  return (await start(world.context, service, { strategy: canary })).rolloutId ?? "";
}

const began = Date.now();

/** As the controller stores a pass: the version first, then the rows that come with it. The clocks of two controllers differ. */
function pass(id: string, number: number, metrics = 1) {
  const at = new Date(began + number * 5_000 - (number % 2) * 60_000);
  return world.db.$transaction(async (transaction) => {
    await transaction.rollout.update({ where: { id }, data: { runVersion: { increment: 1 } } });
    await transaction.rolloutEvent.create({
      data: { rolloutId: id, at, kind: "step", message: `Pass ${number}.`, by: "Switchyard" },
    });
    await transaction.rolloutMeasurement.createMany({
      data: Array.from({ length: metrics }, (_, metric) => ({
        rolloutId: id,
        step: 1,
        metric: `metric-${metric}`,
        at,
        value: 0.004,
        verdict: "good",
        message: "0.4 % of 240 requests failed, at most 1 % may.",
      })),
    });
  });
}

/** Follows until the answer is the last one that is wanted. */
async function follow(id: string, isLast: (answer: RolloutDetail) => boolean): Promise<RolloutDetail[]> {
  const answers = [await getRolloutDetail(world.context, id, {})];
  for (;;) {
    const last = answers.at(-1);
    if (!last || isLast(last)) return answers;
    answers.push(await getRolloutDetail(world.context, id, { after: last.version, waitSeconds: 30 }));
  }
}

const told = (answers: RolloutDetail[]) => ({
  measurements: answers.flatMap(({ measurements }) => measurements.map(({ id }) => id)).toSorted(),
  events: answers.flatMap(({ events }) => events.map(({ id }) => id)).toSorted(),
});

async function kept(rolloutId: string) {
  const where = { where: { rolloutId }, select: { id: true } };
  const [measurements, events] = await Promise.all([
    world.db.rolloutMeasurement.findMany(where),
    world.db.rolloutEvent.findMany(where),
  ]);
  return { measurements: measurements.map(({ id }) => id).toSorted(), events: events.map(({ id }) => id).toSorted() };
}

test("who follows a rollout is told each measurement and each event once, through a retry to the checks afterwards", async () => {
  const id = await begin();
  const following = [1, 2, 3].map(() => follow(id, ({ events }) => events.some(({ kind }) => kind === "check")));
  for (let number = 0; number < 10; number += 1) await pass(id, number, 3);
  await world.db.rollout.update({
    where: { id },
    data: { state: "aborted", activeKey: null, finishedAt: new Date(), runVersion: { increment: 1 } },
  });
  await commandRollout(world.context, { id, command: "retry", body: { reason: "once more" }, key: undefined });
  for (let number = 10; number < 20; number += 1) await pass(id, number, 3);
  await runPostChecks(world.context, await world.db.rollout.findUniqueOrThrow({ where: { id } }));
  const all = await kept(id);
  expect(all.measurements).toHaveLength(60);
  for (const answers of await Promise.all(following)) expect(told(answers)).toEqual(all);
  expect(told([await getRolloutDetail(world.context, id, {})])).toEqual(all);
});

test("what a version costs does not grow with what was measured before it", async () => {
  const id = await begin();
  let { version } = await getRolloutDetail(world.context, id, {});
  const bytes: number[] = [];
  for (let number = 0; number < 40; number += 1) {
    await pass(id, number);
    const answer = await getRolloutDetail(world.context, id, { after: version });
    expect(answer).toMatchObject({
      after: version,
      measurements: [{ metric: "metric-0" }],
      events: [{ message: `Pass ${number}.` }],
    });
    version = answer.version;
    bytes.push(JSON.stringify(answer).length);
  }
  // Only the numbers themselves get longer.
  expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThan(20);
  const whole = JSON.stringify(await getRolloutDetail(world.context, id, {})).length;
  expect(whole).toBeGreaterThan(5 * Math.max(...bytes));
});

test("a version from before the database was restored is answered with all", async () => {
  const id = await begin();
  await pass(id, 0);
  const whole = await getRolloutDetail(world.context, id, {});
  expect(await getRolloutDetail(world.context, id, { after: whole.version + 7, waitSeconds: 30 })).toEqual(whole);
  expect(await getRolloutDetail(world.context, id, { after: whole.version })).toEqual({
    ...whole,
    after: whole.version,
    measurements: [],
    events: [],
  });
});
