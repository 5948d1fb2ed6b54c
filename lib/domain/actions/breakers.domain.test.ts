import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { TestCluster } from "#lib/kubernetes/test-cluster.ts";
import { guardBreaker } from "#lib/protocol/breaker-admin.ts";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { performAction } from "./commands.ts";
import { previewAction } from "./preview.ts";
import { settleAbandoned } from "./settlement.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "./test-fleet.ts";

const token = "the admin token of tests";
const port = 18_431;
const ref = { namespace: "fleet", name: "edge" };
let world: TestWorld;
let uid: string;
const instances: { host: string; client: HubClient; server: HealthServer }[] = [];

/** An instance of the daemon as far as its breaker goes: its client to a hub, and the admin route beside /health. */
async function startInstance(host: string, name: string): Promise<void> {
  const client = new HubClient({
    hubs: [{ host: "127.0.0.1", port: 9 }],
    hello: { role: "edge", tenant: "t", instance: name, version: "test", token: () => "t" },
    tls: false,
    logger: createLogger("edge", "silent"),
  });
  const server = new HealthServer({}, () => {}, guardBreaker(token, client));
  await server.listen(host, port);
  instances.push({ host, client, server });
  const { kubernetes } = world;
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "fleet", labels: { app: "edge" } } };
  await kubernetes.create("/api/v1/namespaces/fleet/pods", {
    ...pod,
    spec: { nodeName: "none", containers: [{ name: "relay", image: "switchyard/edge:1.0.0" }] },
  });
  await kubernetes.patch(`/api/v1/namespaces/fleet/pods/${name}/status`, [
    { op: "add", path: "/status", value: { phase: "Running", podIP: host } },
  ]);
}

const annotations = `{ switchyard.dev/breaker: hub, switchyard.dev/admin-port: "${port}", switchyard.dev/admin-secret: edge-admin/token }`;

async function create(cluster: TestCluster): Promise<void> {
  const yaml = serviceYaml("edge", { replicas: 0 }).replace("annotations: { team: fleet }", `annotations: ${annotations}`);
  await cluster.create(yaml);
  await cluster.create(
    `apiVersion: v1\nkind: Secret\nmetadata: { name: edge-admin, namespace: fleet }\nstringData: { token: ${token} }\n`,
  );
  await cluster.create(serviceYaml("plain", { replicas: 0 }));
}

beforeAll(async () => {
  world = await startTestWorld();
  await create(world.cluster);
  await startInstance("127.86.77.1", "edge-a");
  await startInstance("127.86.77.2", "edge-b");
  const workload = await world.kubernetes.get<{ metadata: { uid: string } }>("/apis/apps/v1/namespaces/fleet/deployments/edge");
  uid = workload.metadata.uid;
});
afterEach(() => {
  for (const { client } of instances) client.release();
});
afterAll(async () => {
  for (const { server } of instances) await server.stop();
  await world?.stop();
});

const body = () => ({ reason: "the hub drowns", seen: { uid } });
const act = (verb: string, key: string = randomUUID()) => performAction(world.context, { verb, ref, body: body(), key });
const held = () => instances.map(({ client }) => client.breaker.isHeld);

test("opening holds the breaker of every instance, is audited, and the same request again is answered as before", async () => {
  const key = randomUUID();
  const done = await act("open-breaker", key);
  expect(done).toMatchObject({
    rolloutId: null,
    message: expect.stringMatching(/held open on all 2 instances: nothing goes to hub/),
  });
  expect(held()).toEqual([true, true]);
  expect(await act("open-breaker", key)).toEqual(done);
  const entry = await world.db.auditEntry.findUniqueOrThrow({ where: { id: done.auditId } });
  expect(entry).toMatchObject({ verb: "open-breaker", outcome: "succeeded", reason: "the hub drowns", targetName: "edge" });
  expect(JSON.stringify(entry)).not.toContain(token);
  expect(await world.db.rollout.count()).toBe(0);
  expect(await act("close-breaker")).toMatchObject({ message: expect.stringMatching(/closed on all 2 instances/) });
  expect(held()).toEqual([false, false]);
});

test("the preview has each instance that it changes, before and after, and says when there is nothing to do", async () => {
  instances[0]?.client.hold();
  const preview = await previewAction(world.context, { verb: "open-breaker", ref, body: body() });
  expect(preview.changes).toEqual([{ field: "edge-b", before: "closed", after: "held open" }]);
  expect(preview.affected.join()).toMatch(/Nothing goes to hub/);
  expect(preview.unchanged.join()).toMatch(/restart or a rollout ends this/);
  instances[0]?.client.release();
  const closing = await previewAction(world.context, { verb: "close-breaker", ref, body: body() });
  expect(closing.nothingToDo).toMatch(/No instance holds it open/);
});

test("an instance that cannot be switched is named, the others stay so, and the audit says that it failed", async () => {
  const [, second] = instances;
  await second?.server.stop();
  const key = randomUUID();
  await expect(act("open-breaker", key)).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringMatching(/open on 1 of 2 instances, not on edge-b \(/),
  });
  expect(held()).toEqual([true, false]);
  const entry = await world.db.auditEntry.findFirstOrThrow({ where: { idempotencyKey: key } });
  expect(entry).toMatchObject({ outcome: "refused", errorMessage: expect.stringContaining("edge-b") });
  if (second) {
    second.server = new HealthServer({}, () => {}, guardBreaker(token, second.client));
    await second.server.listen(second.host, port);
  }
  await act("open-breaker");
  expect(held()).toEqual([true, true]);
});

test("what a crash left is settled by what the instances say", async () => {
  const { auditId } = await act("open-breaker");
  await world.db.auditEntry.update({
    where: { id: auditId },
    data: { outcome: "pending", settledAt: null, at: new Date(Date.now() - 120_000) },
  });
  expect(await settleAbandoned(world.context)).toBe(1);
  expect(await world.db.auditEntry.findUniqueOrThrow({ where: { id: auditId } })).toMatchObject({ outcome: "succeeded" });
});

test("a service without the annotations is refused, and so is a viewer", async () => {
  const workload = await world.kubernetes.get<{ metadata: { uid: string } }>("/apis/apps/v1/namespaces/fleet/deployments/plain");
  const plain = {
    verb: "open-breaker",
    ref: { ...ref, name: "plain" },
    body: { reason: "the hub drowns", seen: workload.metadata },
  };
  await expect(performAction(world.context, { ...plain, key: randomUUID() })).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringMatching(/switchyard.dev\/breaker/),
  });
  const viewer = { ...world.context, actor: { ...world.context.actor, role: "viewer" as const } };
  const asked = performAction(viewer, { verb: "open-breaker", ref, body: body(), key: randomUUID() });
  await expect(asked).rejects.toMatchObject({ code: "not-permitted" });
});
