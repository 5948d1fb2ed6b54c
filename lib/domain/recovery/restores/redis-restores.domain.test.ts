import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toJson } from "#lib/database/storable.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { manifestSchema } from "../archive/manifest.ts";
import { BackupRunner } from "../backups/runner.ts";
import { as, make } from "../backups/test-backups.ts";
import { type RecoveryWorld, startRecoveryWorld } from "../test-recovery.ts";
import { getRestore } from "./queries.ts";
import { RestoreRunner } from "./runner.ts";
import type { RestoreView } from "./schemas.ts";
import { startRestore } from "./start.ts";

/** A restore of a service's Redis, whose address with its password stands in a Secret. */

const relayPath = paths.workload("Deployment", "fleet", "relay");
const contents = {
  postgres: null,
  redis: { url: null, address: { secret: "relay-redis", key: "url" } },
  objects: false,
  logHours: null,
};

let world: RecoveryWorld;
let server: ChildProcess;
let redis: Redis;
beforeAll(async () => {
  world = await startRecoveryWorld();
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", "secret", "--save", "", "--dir", tmpdir()];
  server = spawn("redis-server", [...args, "--repl-diskless-sync-delay", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  if (!server.stdout) throw new Error("the server has no output to read");
  for await (const line of createInterface({ input: server.stdout })) if (line.includes("Ready to accept")) break;
  server.stdout.resume();
  const url = `redis://:secret@127.0.0.1:${port}`;
  redis = new Redis(url);
  await world.cluster.create(
    `{ apiVersion: v1, kind: Secret, metadata: { name: relay-redis, namespace: fleet }, stringData: { url: "${url}" } }`,
  );
  const variable = { name: "REDIS_URL", valueFrom: { secretKeyRef: { name: "relay-redis", key: "url" } } };
  await world.kubernetes.patch(relayPath, [{ op: "add", path: "/spec/template/spec/containers/0/env", value: [variable] }]);
});
afterAll(async () => {
  redis?.disconnect();
  if (server) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
  await world?.stop();
});

async function restore(backupId: string): Promise<RestoreView> {
  const body = { mode: "in-place", confirm: "fleet/relay", reason: "keys were deleted" };
  const { id } = await startRestore(as(world, "admin"), { backupId, body, key: backupId });
  const [restores, backups] = [new RestoreRunner(world.recovery), new BackupRunner(world.recovery)];
  const isOver = async () => {
    await Promise.all([restores.pass(), backups.pass()]);
    return (await getRestore(world.context, id)).finishedAt;
  };
  await until("the restore is over", isOver, 60_000);
  await Promise.all([restores.settled(), backups.settled()]);
  return getRestore(world.context, id);
}

const relayReplicas = async () => (await world.kubernetes.get<Workload>(relayPath)).spec.replicas;

test("a Redis in place comes back with its expiries, and what reads it is stopped meanwhile", async () => {
  await redis.mset("document:1", "kept", "document:2", "kept");
  await redis.set("session", "open", "EX", 3_600);
  const backup = await make(world, { contents });
  expect(JSON.stringify([backup.contents, backup.manifest, backup.message])).not.toContain("secret@");
  await redis.flushall();
  await redis.set("document:3", "new");
  const done = await restore(backup.id);
  expect(done).toMatchObject({ state: "completed", message: expect.stringMatching(/^Redis is back/) });
  expect(done.steps.find(({ name }) => name === "Stop what writes")?.message).toBe("Stopped: fleet/relay (3).");
  expect((await redis.keys("*")).toSorted()).toEqual(["document:1", "document:2", "session"]);
  expect(await redis.ttl("session")).toBeGreaterThan(3_000);
  expect(await relayReplicas()).toBe(3);
});

test("a Redis is taken back to what it was when the answers are others than the backup's", async () => {
  await redis.flushall();
  await redis.mset("document:1", "kept", "document:2", "kept");
  const backup = await make(world, { contents });
  const manifest = manifestSchema.parse(backup.manifest);
  const parts = manifest.parts.map((part) => {
    const facts = part.facts as { databases: { index: number; keys: number; expiring: number }[] };
    return { ...part, facts: { ...facts, databases: facts.databases.map((one) => ({ ...one, keys: one.keys + 1 })) } };
  });
  await world.db.backup.update({ where: { id: backup.id }, data: { manifest: toJson({ ...manifest, parts }) } });
  await redis.set("document:3", "of the present");
  const failed = await restore(backup.id);
  expect(failed.state).toBe("failed");
  expect(failed.message).toMatch(/All is as it was before\.$/);
  expect((await redis.keys("*")).toSorted()).toEqual(["document:1", "document:2", "document:3"]);
  expect(await relayReplicas()).toBe(3);
});
