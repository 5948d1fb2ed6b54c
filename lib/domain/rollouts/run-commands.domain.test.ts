import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { startTestWorld, type TestWorld, testContext } from "../actions/test-fleet.ts";
import type { Context } from "../context.ts";
import { getRolloutDetail } from "./detail.ts";
import { listRetryBlockers } from "./retry.ts";
import { commandRollout } from "./run-commands.ts";
import { createFreezeWindow } from "./start/freeze.ts";
import { canary, deployService, start } from "./test-rollouts.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

async function begin() {
  const service = await deployService(world, { replicas: 2 });
  const { rolloutId } = await start(world.context, service, { strategy: canary });
  return { id: rolloutId ?? "", service };
}

type CommandOptions = { key?: string; context?: Context; reason?: string; override?: boolean };

function command(
  id: string,
  name: string,
  { key = randomUUID() as string, context = world.context, reason = "decided in a test", ...body }: CommandOptions = {},
) {
  return commandRollout(context, { id, command: name, body: { reason, ...body }, key });
}

test("a command is done once for its key, with its reason in the events and in the audit", async () => {
  const { id, service } = await begin();
  const key = randomUUID();
  const first = await command(id, "pause", { key });
  expect(await command(id, "pause", { key })).toEqual(first);
  await expect(command(id, "pause", { key, reason: "another one" })).rejects.toMatchObject({ code: "idempotency-conflict" });
  const detail = await getRolloutDetail(world.context, id, {});
  expect(detail).toMatchObject({ state: "paused", hold: { cause: "person", message: "Paused by olga: decided in a test" } });
  expect(detail.events.filter(({ kind }) => kind === "paused")).toHaveLength(1);
  expect(
    await world.db.auditEntry.findMany({ where: { verb: "pause", targetKind: "rollout", outcome: "succeeded" } }),
  ).toMatchObject([{ targetName: service.ref.name, reason: "decided in a test", actorName: "olga" }]);
});

test("what is not possible now is refused with why, and audited; viewers may look only", async () => {
  const { id } = await begin();
  await expect(command(id, "promote")).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringContaining("not at a pause"),
  });
  const viewer = testContext(world, { role: "viewer", name: "vera" });
  await expect(command(id, "abort", { context: viewer })).rejects.toMatchObject({ code: "not-permitted" });
  expect(
    await world.db.auditEntry.count({ where: { targetKind: "rollout", verb: { in: ["promote", "abort"] }, outcome: "refused" } }),
  ).toBe(2);
  expect((await getRolloutDetail(viewer, id, {})).commands).toMatchObject({ abort: null, retry: "It is still under way." });
});

test("an abort before it begins ends a rollout that waits, and lets nothing of it be carried out", async () => {
  const { service } = await begin();
  const waiting = await start(world.context, service, {
    queue: true,
    change: { image: { container: "relay", image: "switchyard/relay:2.2.0" } },
  });
  const id = waiting.rolloutId ?? "";
  expect(await getRolloutDetail(world.context, id, {})).toMatchObject({ state: "queued", share: null });
  await command(id, "abort");
  const detail = await getRolloutDetail(world.context, id, {});
  expect(detail).toMatchObject({ state: "aborted", finishedAt: expect.any(String) });
  await expect(command(id, "retry")).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringContaining("is under way"),
  });
});

test("who follows a rollout is answered with its next change, or when the time is over", async () => {
  const { id } = await begin();
  const { version } = await getRolloutDetail(world.context, id, {});
  const next = getRolloutDetail(world.context, id, { after: String(version), waitSeconds: "30" });
  await command(id, "pause");
  expect(await next).toMatchObject({ version: version + 1, state: "paused" });
  expect(await getRolloutDetail(world.context, id, { after: version + 1, waitSeconds: 1 })).toMatchObject({
    version: version + 1,
  });
});

test("a retry does not inherit what was overridden at the start; an administrator overrides it anew", async () => {
  const admin = testContext(world, { role: "admin", name: "ada" });
  const window = await createFreezeWindow(admin, {
    startsAt: new Date(Date.now() - 60_000).toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    reason: "the fair",
  });
  const service = await deployService(world, { replicas: 2 });
  const override = { reason: "the fix cannot wait" };
  const { rolloutId } = await start(admin, service, { strategy: canary, override });
  const id = rolloutId ?? "";
  await world.db.rollout.update({ where: { id }, data: { state: "aborted", activeKey: null, finishedAt: new Date() } });
  await expect(command(id, "retry")).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringContaining("are frozen until"),
  });
  expect(await listRetryBlockers(world.context, id)).toMatchObject([
    { id: "freeze", canOverride: true, message: expect.stringMatching(/^All rollouts are frozen until .*: the fair\.$/) },
  ]);
  await expect(command(id, "retry", { override: true })).rejects.toMatchObject({ code: "not-permitted" });
  await command(id, "retry", { context: admin, override: true });
  const detail = await getRolloutDetail(admin, id, {});
  expect(detail.state).toBe("progressing");
  expect(detail.events.at(-1)?.message).toMatch(
    /^Retried by ada: decided in a test\. Overridden: All rollouts are frozen until /,
  );
  await expect(command(id, "pause", { context: admin, override: true })).rejects.toMatchObject({ code: "invalid-input" });
  await world.db.freezeWindow.delete({ where: { id: window.id } });
});

test("a retry is refused where the service is no longer as it was, and nobody can override that", async () => {
  const { id, service } = await begin();
  await world.db.rollout.update({ where: { id }, data: { state: "aborted", activeKey: null, finishedAt: new Date() } });
  expect(await listRetryBlockers(world.context, id)).toEqual([]);
  const path = paths.workload("Deployment", "fleet", service.ref.name);
  const image = "/spec/template/spec/containers/0/image";
  await world.kubernetes.patch(path, [{ op: "replace", path: image, value: "switchyard/relay:2.0.1" }]);
  expect(await listRetryBlockers(world.context, id)).toMatchObject([{ id: "template", canOverride: false }]);
  const admin = testContext(world, { role: "admin", name: "ada" });
  await expect(command(id, "retry", { context: admin, override: true })).rejects.toMatchObject({
    code: "stale",
    message: expect.stringContaining("template has changed since"),
  });
  await expect
    .poll(async () => {
      const workload = await world.kubernetes.get<Workload>(path).catch(() => null);
      if (workload) await world.kubernetes.remove(path, workload.metadata).catch(() => {});
      return (await listRetryBlockers(world.context, id)).map((blocker) => blocker.id);
    })
    .toEqual(["deleted"]);
});

test("many who follow rollouts ask the database together, are answered each by its own, and are bounded", async () => {
  const [first, second] = [await begin(), await begin()];
  let asked = 0;
  const rollout = new Proxy(world.db.rollout, {
    get(target, name) {
      asked += 1;
      return Reflect.get(target, name);
    },
  });
  const db = new Proxy(world.db, { get: (target, name) => (name === "rollout" ? rollout : Reflect.get(target, name)) });
  const context = { ...world.context, db };
  const follow = async (id: string, version: number, signal?: AbortSignal) =>
    getRolloutDetail(context, id, { after: version, waitSeconds: 30 }, signal);
  const { version } = await getRolloutDetail(world.context, first.id, {});
  const followers = Array.from({ length: 20 }, () => follow(first.id, version));
  const leaving = new AbortController();
  const other = await getRolloutDetail(world.context, second.id, {});
  const others = Array.from({ length: 480 }, () => follow(second.id, other.version, leaving.signal));
  await sleep(1_000);
  expect(asked).toBeLessThan(10);
  await expect(follow(second.id, other.version)).rejects.toMatchObject({ code: "too-many-attempts" });
  await command(first.id, "pause");
  for (const answer of await Promise.all(followers)) expect(answer).toMatchObject({ version: version + 1, state: "paused" });
  leaving.abort();
  for (const answer of await Promise.all(others)) expect(answer.version).toBe(other.version);
});
