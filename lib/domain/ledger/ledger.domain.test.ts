import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { performAction } from "../actions/commands.ts";
import { readTarget } from "../actions/target.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import { measureActions } from "./measure.ts";
import { observeWorkloads } from "./observe.ts";
import { markOwnChange } from "./own-changes.ts";
import { listLedger } from "./queries.ts";

let world: TestWorld;

beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

async function deploy(replicas = 2) {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  await world.cluster.create(serviceYaml(name, { replicas }));
  const ref = { namespace: "fleet", name };
  const path = paths.workload("Deployment", "fleet", name);
  const { workload, templateHash } = await until("the first ReplicaSet is there", async () => {
    const target = await readTarget(world.context, ref);
    return target.templateHash === "" ? undefined : target;
  });
  return { ref, path, uid: workload.metadata.uid, templateHash };
}

async function marksOf(ref: object) {
  const now = Math.floor(Date.now() / 1000);
  return (await listLedger(world.context, ref, { from: now - 3600, to: now + 60 })).marks;
}

test("a change by another client is recorded once, by whichever controller sees it first", async () => {
  const { ref, path } = await deploy();
  await observeWorkloads(world.context);
  await world.kubernetes.patch<Workload>(path, [{ op: "add", path: "/spec/replicas", value: 5 }]);
  await Promise.all([observeWorkloads(world.context), observeWorkloads(world.context)]);
  await observeWorkloads(world.context);
  expect(await marksOf(ref)).toMatchObject([
    { verb: "scale", title: "2 → 5 instances", actorKind: "external", outcome: "succeeded", rolloutId: null },
  ]);
});

test("a change of the image is told with the versions, and the reason that kubectl kept", async () => {
  const { ref, path } = await deploy();
  await observeWorkloads(world.context);
  await world.kubernetes.patch<Workload>(path, [
    { op: "add", path: "/metadata/annotations/kubernetes.io~1change-cause", value: "trying the next one" },
    { op: "replace", path: "/spec/template/spec/containers/0/image", value: "switchyard/relay:2.0.1" },
  ]);
  await observeWorkloads(world.context);
  expect(await marksOf(ref)).toMatchObject([{ verb: "image", title: "2.0.0 → 2.0.1", reason: "trying the next one" }]);
});

test("Switchyard's own actions are no changes from outside, and one between them is still found", async () => {
  const { ref, path, uid } = await deploy();
  await observeWorkloads(world.context);
  const scale = (replicas: number, seen: number) =>
    performAction(world.context, {
      verb: "scale",
      ref,
      body: { reason: "seen by a test", replicas, seen: { uid, replicas: seen } },
      key: randomUUID(),
    });
  await scale(3, 2);
  await observeWorkloads(world.context);
  expect(await marksOf(ref)).toMatchObject([{ actorKind: "user", actor: "olga" }]);

  await world.kubernetes.patch<Workload>(path, [{ op: "add", path: "/spec/replicas", value: 7 }]);
  await scale(4, 7);
  await observeWorkloads(world.context);
  expect((await marksOf(ref)).map(({ actorKind }) => actorKind).toSorted()).toEqual(["external", "user", "user"]);
});

test("a change by another just before an action, or just after it, does not make the action another's", async () => {
  const { ref, path, uid, templateHash } = await deploy();
  const scaleOutside = (replicas: number) =>
    world.kubernetes.patch<Workload>(path, [{ op: "add", path: "/spec/replicas", value: replicas }]);
  await observeWorkloads(world.context);
  await scaleOutside(5);
  await performAction(world.context, {
    verb: "image",
    ref,
    body: { container: "relay", image: "switchyard/relay:2.0.1", reason: "seen by a test", seen: { uid, templateHash } },
    key: randomUUID(),
  });
  await scaleOutside(6);
  await observeWorkloads(world.context);
  const marks = (await marksOf(ref)).map(({ verb, title, actorKind }) => `${actorKind}: ${verb} ${title}`);
  expect(marks.toSorted()).toEqual([
    "external: scale 2 → 5 instances",
    "external: scale 5 → 6 instances",
    "user: image 2.0.0 → 2.0.1",
  ]);
});

test("what a rollout writes is no change from outside, and one by another between its writes is still found", async () => {
  const { ref, path } = await deploy(6);
  await observeWorkloads(world.context);
  const rollOut = async (replicas: number) => {
    const workload = await world.kubernetes.get<Workload>(path);
    const patch = [{ op: "add" as const, path: "/spec/replicas", value: replicas }, ...markOwnChange(workload, randomUUID())];
    await world.kubernetes.patch<Workload>(path, patch);
  };
  await rollOut(5);
  await observeWorkloads(world.context);
  await rollOut(4);
  await rollOut(3);
  await observeWorkloads(world.context);
  expect(await marksOf(ref)).toEqual([]);

  await rollOut(2);
  await world.kubernetes.patch<Workload>(path, [{ op: "add", path: "/spec/replicas", value: 7 }]);
  await rollOut(1);
  await observeWorkloads(world.context);
  await observeWorkloads(world.context);
  expect(await marksOf(ref)).toMatchObject([{ verb: "scale", title: "3 → 1 instances", actorKind: "external" }]);
});

test("an action is measured before it, and after its rollout has ended, at those moments", async () => {
  const { ref, uid } = await deploy();
  const key = randomUUID();
  const body = { reason: "measured by a test", replicas: 0, seen: { uid, replicas: 2 } };
  const { auditId, rolloutId } = await performAction(world.context, { verb: "scale", ref, body, key });
  const asked: Date[] = [];
  const expressions = new Set<string>();
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    asked.push(new Date(form.get("time") ?? ""));
    expressions.add(form.get("query") ?? "");
    const metric = { namespace: ref.namespace, service: ref.name };
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result: [{ metric, value: [0, "0.25"] }] } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const prometheus = new PrometheusClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const measureAt = (clock: () => Date) => measureActions({ ...world.context, prometheus, clock }, { scrapeSeconds: 2 });

  const { at } = await world.db.auditEntry.findUniqueOrThrow({ where: { id: auditId } });
  const figures = { requestsPerSecond: 0.25, errorRatio: 0.25, latencyP95Seconds: 0.25 };
  const mark = async () => (await marksOf(ref))[0];

  await measureAt(() => new Date(at.getTime() + 300_000));
  expect(await mark()).toMatchObject({ before: figures, after: null });

  const finishedAt = new Date(at.getTime() + 40_000);
  await world.db.rollout.update({ where: { id: rolloutId ?? "" }, data: { state: "complete", finishedAt } });
  await measureAt(() => new Date(finishedAt.getTime() + 119_000));
  expect((await mark())?.after).toBeNull();
  await measureAt(() => new Date(finishedAt.getTime() + 121_000));
  expect(await mark()).toMatchObject({ before: figures, after: figures, rolloutState: "complete" });
  expect(asked).toContainEqual(at);
  expect(asked).toContainEqual(new Date(finishedAt.getTime() + 120_000));
  await measureAt(() => new Date(finishedAt.getTime() + 200_000));
  const questionsOfAMoment = 3;
  expect(asked.filter((time) => time.getTime() === at.getTime())).toHaveLength(questionsOfAMoment);
  const selectors = [...expressions].join(" ").match(/\w+(\{[^}]*\})?\[/g) ?? [];
  expect(selectors.length).toBeGreaterThan(10);
  for (const selector of selectors) expect(selector).toMatch(/namespace="fleet",service="relay-/);
  server.close();
});
