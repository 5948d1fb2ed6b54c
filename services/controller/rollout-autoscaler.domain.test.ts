import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestContext, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import { changeLimits } from "#lib/domain/autoscaling/commands.ts";
import { restoreDueLimits } from "#lib/domain/autoscaling/restore.ts";
import { getRolloutDetail } from "#lib/domain/rollouts/detail.ts";
import { candidateName } from "#lib/domain/rollouts/engine/run.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import { deployService, start } from "#lib/domain/rollouts/test-rollouts.ts";
import { type HorizontalPodAutoscaler, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { carryOutRollouts } from "./rollout-runs.ts";

/** Rollouts beside a real autoscaler, which has no metrics here and moves when its limits do. */

let world: TestWorld;
let context: TestContext;
let aheadMs = 0;

beforeAll(async () => {
  // The cluster's own default is 15 s, as Kubernetes has it.
  vi.stubEnv("CLUSTER_AUTOSCALER_SECONDS", "1");
  world = await startTestWorld();
  context = { ...world.context, clock: () => new Date(Date.now() + aheadMs) };
  await world.cluster.create(
    "{ apiVersion: v1, kind: Node, metadata: { name: roomy, labels: { switchyard.dev/virtual: 'true' } } }",
  );
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world?.stop();
});
beforeEach(() => {
  aheadMs = 0;
});

type Ref = { namespace: string; name: string };

const canary = (...weights: number[]): Strategy => ({
  kind: "canary",
  steps: weights.map((weight) => ({ weight, pauseSeconds: 3_600 })),
  traffic: "replicas",
  header: null,
  analysis: null,
  progressDeadlineSeconds: 60,
});

const find = ({ namespace }: Ref, name: string) =>
  world.kubernetes.get<Workload>(paths.workload("Deployment", namespace, name)).catch(() => null);
const stableReplicas = async (ref: Ref) => (await find(ref, ref.name))?.spec.replicas;
const candidateReplicas = async (ref: Ref) => (await find(ref, candidateName(ref.name)))?.spec.replicas;
const readAutoscaler = ({ namespace, name }: Ref) =>
  world.kubernetes.get<HorizontalPodAutoscaler>(paths.autoscaler(namespace, name));

async function deploy() {
  const made = await deployService(world, { replicas: 4 });
  await world.cluster.create(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: ${made.ref.name}, namespace: fleet }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ${made.ref.name} }
  minReplicas: 4
  maxReplicas: 20
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
`);
  await until("all instances are available", async () => (await find(made.ref, made.ref.name))?.status?.availableReplicas === 4);
  return made;
}

async function raise(ref: Ref, minReplicas: number) {
  const { uid } = (await readAutoscaler(ref)).metadata;
  const seen = { uid, minReplicas: 4, maxReplicas: 20 };
  const body = { minReplicas, maxReplicas: 20, durationSeconds: 600, reason: "more people than usual", seen };
  await changeLimits(context, { ref, body, key: randomUUID() });
  await until("the autoscaler has scaled", async () => (await readAutoscaler(ref)).status?.lastScaleTime);
}

/** Two controllers at once, again and again. */
async function drive<T>(id: string | null, isSo: (detail: RolloutDetail) => T | Promise<T>) {
  return until("the rollout is as wanted", async () => {
    await Promise.all([carryOutRollouts(context), carryOutRollouts(context)]);
    return isSo(await getRolloutDetail(context, id ?? "", {}));
  });
}

const isPausing = ({ message }: RolloutDetail) => /^Pauses until/.test(message);
const stepOf = ({ steps }: RolloutDetail) => steps.findIndex(({ state }) => state === "current");

test("a canary stands still while the autoscaler moves, leaves the number to it, and goes on by itself afterwards", async () => {
  const { ref, seen } = await deploy();
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary(10, 50) });
  const paused = await drive(rolloutId, (detail) => (isPausing(detail) ? detail : null));
  expect(await candidateReplicas(ref)).toBe(1);
  expect(await stableReplicas(ref)).toBe(4);

  await raise(ref, 6);
  expect(await stableReplicas(ref)).toBe(6);
  const { lastScaleTime = "" } = (await readAutoscaler(ref)).status ?? {};
  // The pause is over in the moment in which the autoscaler has moved.
  aheadMs = Date.parse(lastScaleTime) - Date.now();
  await endPause(rolloutId);
  const held = await drive(rolloutId, (detail) => (detail.hold ? detail : null));
  expect(held).toMatchObject({
    state: "paused",
    hold: { cause: "autoscaler", message: expect.stringContaining(`The autoscaler ${ref.name}`) },
  });
  expect(stepOf(held)).toBe(stepOf(paused));
  expect(await candidateReplicas(ref)).toBe(1);

  aheadMs = 40_000;
  const half = await drive(rolloutId, async (detail) =>
    (await candidateReplicas(ref)) === 2 && isPausing(detail) ? detail : null,
  );
  expect(half).toMatchObject({ hold: null });
  expect(half.events.some(({ message }) => message === "What held it is over.")).toBe(true);
  await endPause(rolloutId);
  await drive(rolloutId, ({ state }) => state === "complete");
  expect(await stableReplicas(ref)).toBe(6);
  expect(await candidateReplicas(ref)).toBeUndefined();

  aheadMs += 3_700_000;
  await restoreDueLimits(context);
  expect((await readAutoscaler(ref)).spec.minReplicas).toBe(4);
});

/** The present step began an hour earlier: a clock that leaps would be a time without a controller, which does not count. */
async function endPause(id: string | null): Promise<void> {
  const where = { id: id ?? "" };
  const { run } = await world.db.rollout.findUniqueOrThrow({ where });
  const { stepStartedAt, ...rest } = run as { stepStartedAt: string };
  const earlier = new Date(Date.parse(stepStartedAt) - 3_600_000).toISOString();
  await world.db.rollout.update({ where, data: { run: { ...rest, stepStartedAt: earlier } } });
}

test("a canary that takes all of the traffic lets the autoscaler rest, and gives the number back to it", async () => {
  const { ref, seen } = await deploy();
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary(100) });
  await drive(rolloutId, isPausing);
  expect([await stableReplicas(ref), await candidateReplicas(ref)]).toEqual([0, 4]);
  await until("the autoscaler rests", async () =>
    (await readAutoscaler(ref)).status?.conditions?.some(({ reason }) => reason === "ScalingDisabled"),
  );
  await endPause(rolloutId);
  await drive(rolloutId, ({ state }) => state === "complete");
  expect(await stableReplicas(ref)).toBe(4);
  expect(await candidateReplicas(ref)).toBeUndefined();
});
