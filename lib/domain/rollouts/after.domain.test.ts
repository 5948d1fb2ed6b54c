import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigObject, paths, type Workload } from "#lib/kubernetes/objects.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { performAction } from "../actions/commands.ts";
import { readTarget } from "../actions/target.ts";
import { startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import { fetchRevisions, fetchWorkload } from "../fleet/fresh.ts";
import { canonicalTemplate } from "../fleet/template.ts";
import { type PostCheck, runPostChecks } from "./post-checks.ts";
import { removeUnusedCopies } from "./start/collect-copies.ts";
import type { RolloutTarget } from "./start/target.ts";
import { deployService, start } from "./test-rollouts.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

const rolloutOf = (id: string | null) => world.db.rollout.findUniqueOrThrow({ where: { id: id ?? "" } });
const day = 86_400_000;

test("a rollback brings the configuration of before back; a copy stays while a rollout, a workload or a revision names it, and goes when nothing does", async () => {
  const service = await deployService(world, { replicas: 2 });
  const { name } = service.ref;
  const change = { config: [{ kind: "Secret" as const, name: `${name}-secrets`, data: { token: "other" } }] };
  const { rolloutId } = await start(world.context, service, { change });
  const { target } = await rolloutOf(rolloutId);
  const { template, copies, before } = target as unknown as RolloutTarget;
  const listed = async () =>
    (await world.kubernetes.list<ConfigObject>(paths.configOf("Secret", "fleet"))).map(({ metadata }) => metadata.name);
  const collectAfter = (ms: number) => removeUnusedCopies({ ...world.context, clock: () => new Date(Date.now() + ms) });

  expect(await collectAfter(0)).toBe(0);
  expect(await collectAfter(30 * day)).toBe(0);
  await world.db.rollout.update({ where: { id: rolloutId ?? "" }, data: { state: "aborted", activeKey: null } });
  expect(await collectAfter(day)).toBe(0);

  const put = (value: RolloutTarget["template"]) =>
    world.kubernetes.patch<Workload>(paths.workload("Deployment", "fleet", name), [
      { op: "replace", path: "/spec/template", value },
      // Without nodes no instance gets ready, and a rolling update would not end.
      { op: "replace", path: "/spec/replicas", value: 0 },
    ]);
  const listRevisions = async () => fetchRevisions(world.kubernetes, await fetchWorkload(world.kubernetes, service.ref));
  await put(template);
  expect(await collectAfter(30 * day)).toBe(0);
  await expect.poll(async () => (await listRevisions()).length).toBe(2);
  const { workload, templateHash } = await readTarget(world.context, service.ref);
  const seen = { uid: workload.metadata.uid, templateHash };
  const body = { toRevision: 0, reason: "tried in a test", seen };
  await performAction(world.context, { verb: "rollback", ref: service.ref, body, key: randomUUID() });
  const back = await fetchWorkload(world.kubernetes, service.ref);
  expect(canonicalTemplate(back.spec.template)).toBe(canonicalTemplate(before));
  expect(await collectAfter(30 * day)).toBe(0);
  expect(await listed()).toContain(copies[0]?.name);

  await world.kubernetes.patch(paths.workload("Deployment", "fleet", name), [
    { op: "add", path: "/spec/revisionHistoryLimit", value: 0 },
  ]);
  await expect.poll(() => collectAfter(30 * day), { timeout: 20_000 }).toBe(1);
  expect(await listed()).not.toContain(copies[0]?.name);
  expect(await listed()).toContain(`${name}-secrets`);
});

test("after the end instances, restarts, alerts, error ratio and latency are looked at, once by two controllers", async () => {
  const service = await deployService(world, { replicas: 2 });
  const { rolloutId } = await start(world.context, service);
  const rollout = await rolloutOf(rolloutId);
  const labels = { namespace: "fleet", service: service.ref.name };
  const answers = (expr: string) => (expr.includes("histogram_quantile") ? 0.03 : expr.includes(" / ") ? 0.02 : 12);
  const prometheus = { query: async (expr: string) => [{ labels, value: answers(expr) }] } as unknown as PrometheusClient;
  const look = () => runPostChecks({ ...world.context, prometheus }, rollout);
  await Promise.all([look(), look()]);
  await look();
  const events = await world.db.rolloutEvent.findMany({
    where: { rolloutId: rollout.id, kind: "check" },
    orderBy: { id: "asc" },
  });
  const checks = events.map(({ detail }) => detail as unknown as PostCheck);
  // There are no nodes in this cluster, so that no instance gets ready.
  expect(checks.map(({ check, state }) => `${check} ${state}`)).toEqual([
    "ready failed",
    "restarts passed",
    "alerts passed",
    "error-ratio failed",
    "latency passed",
  ]);
  expect(checks[0]?.message).toBe("Instances: 0 of 2 are available.");
  expect(checks[3]?.message).toBe("Error ratio: 2 % over the last minute; the limit is 1 %.");
});

test("what cannot be asked after the end is said to be unknown", async () => {
  const service = await deployService(world, { replicas: 2 });
  const { rolloutId } = await start(world.context, service);
  await runPostChecks(world.context, await rolloutOf(rolloutId));
  const events = await world.db.rolloutEvent.findMany({ where: { rolloutId: rolloutId ?? "", kind: "check" } });
  const unknown = events.map(({ detail }) => detail as unknown as PostCheck).filter(({ state }) => state === "unknown");
  expect(unknown.map(({ message }) => message).toSorted()).toEqual([
    "Error ratio: Prometheus cannot be asked.",
    "Latency: Prometheus cannot be asked.",
  ]);
});
