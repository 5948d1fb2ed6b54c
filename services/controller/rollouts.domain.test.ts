import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { performAction } from "#lib/domain/actions/commands.ts";
import { readTarget } from "#lib/domain/actions/target.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import type { Context } from "#lib/domain/context.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { prune } from "./housekeeping.ts";
import { reconcileRollouts } from "./rollouts.ts";

let world: TestWorld;
let cluster: TestWorld["cluster"];
let kubernetes: KubernetesClient;
let db: Database;
let context: Context;

beforeAll(async () => {
  world = await startTestWorld();
  ({ cluster, kubernetes, db, context } = world);
});
afterAll(() => world?.stop());

async function deploy(replicas: number) {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  await cluster.create(serviceYaml(name, { replicas }));
  const ref = { namespace: "fleet", name };
  const target = await until("the first ReplicaSet is there", async () => {
    const read = await readTarget(context, ref);
    return read.templateHash === "" ? undefined : read;
  });
  return { ref, uid: target.workload.metadata.uid, templateHash: target.templateHash };
}

function act(ref: { namespace: string; name: string }, verb: string, input: object) {
  const body = { reason: "followed in a test", ...input };
  return performAction(context, { verb, ref, body, key: randomUUID() });
}

/** Two controllers at once, again and again, until the rollout is in the state. */
async function reconcileUntil(rolloutId: string | null, state: string) {
  return until(`the rollout is ${state}`, async () => {
    await Promise.all([reconcileRollouts(context), reconcileRollouts(context)]);
    const rollout = await db.rollout.findUniqueOrThrow({ where: { id: rolloutId ?? "" } });
    return rollout.state === state ? rollout : undefined;
  });
}

test("a scale is followed to its end by two controllers at once", async () => {
  const { ref, uid } = await deploy(3);
  const { rolloutId } = await act(ref, "scale", { replicas: 0, seen: { uid, replicas: 3 } });
  const rollout = await reconcileUntil(rolloutId, "complete");
  expect(rollout).toMatchObject({ message: "Scaled to 0.", finishedAt: expect.any(Date), toRevision: null });
});

test("a change of the template gets the number of its revision, and ends when someone else replaces it", async () => {
  const { ref, uid, templateHash } = await deploy(2);
  const { rolloutId } = await act(ref, "image", {
    container: "relay",
    image: "switchyard/relay:2.1.0",
    seen: { uid, templateHash },
  });
  await until("its revision is known", async () => {
    await reconcileRollouts(context);
    return (await db.rollout.findUniqueOrThrow({ where: { id: rolloutId ?? "" } })).toRevision === 2;
  });
  await kubernetes.patch(paths.workload("Deployment", ref.namespace, ref.name), [
    { op: "replace", path: "/spec/template/spec/containers/0/image", value: "switchyard/relay:3.0.0" },
  ]);
  expect(await reconcileUntil(rolloutId, "superseded")).toMatchObject({ message: "Replaced by revision 3.", toRevision: 2 });
});

test("a pause shows on the rollout that it stops, and a resume takes it up again", async () => {
  const { ref, uid, templateHash } = await deploy(2);
  const { rolloutId } = await act(ref, "restart", { seen: { uid, templateHash } });
  await act(ref, "pause", { seen: { uid, paused: false } });
  expect((await reconcileUntil(rolloutId, "paused")).message).toMatch(/^Paused with/);
  await act(ref, "resume", { seen: { uid, paused: true } });
  expect((await reconcileUntil(rolloutId, "progressing")).finishedAt).toBeNull();
});

test("old login attempts and long-ended tokens go, others stay", async () => {
  const now = new Date("2026-11-01T00:00:00Z");
  const ago = (days: number) => new Date(now.getTime() - days * 86_400_000);
  const attempt = { username: "olga", address: "10.0.0.1", succeeded: false };
  await db.loginAttempt.createMany({
    data: [
      { ...attempt, at: ago(2) },
      { ...attempt, at: ago(0.5) },
    ],
  });
  const token = { name: "t", prefix: "swy_", role: "viewer" } as const;
  await db.apiToken.createMany({
    data: [
      { ...token, tokenHash: "old", expiresAt: ago(91) },
      { ...token, tokenHash: "recent", expiresAt: ago(1) },
      { ...token, tokenHash: "revoked", expiresAt: ago(-9), revokedAt: ago(91) },
    ],
  });
  expect(await prune(db, now)).toBe(3);
  expect(await db.loginAttempt.count()).toBe(1);
  expect((await db.apiToken.findMany()).map(({ tokenHash }) => tokenHash)).toEqual(["recent"]);
});
