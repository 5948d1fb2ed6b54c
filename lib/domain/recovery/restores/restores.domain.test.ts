import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { observeWorkloads } from "../../ledger/observe.ts";
import { type Manifest, manifestSchema } from "../archive/manifest.ts";
import { savePlan } from "../backups/plans.ts";
import { BackupRunner } from "../backups/runner.ts";
import { as, make, runAll } from "../backups/test-backups.ts";
import { cleanObject, type LiveObject } from "../sources/object-form.ts";
import { findOne } from "../sources/object-search.ts";
import { documentRows, type RecoveryWorld, relayContents, startRecoveryWorld } from "../test-recovery.ts";
import { cancelRestore } from "./commands.ts";
import { getRestore, listRestores, previewRestore } from "./queries.ts";
import { type RestoreRun, type StepKey, withStep } from "./run.ts";
import { RestoreRunner } from "./runner.ts";
import type { RestoreView } from "./schemas.ts";
import { startRestore } from "./start.ts";
import { runOf } from "./stored.ts";

let world: RecoveryWorld;
let backup: Backup;
beforeAll(async () => {
  world = await startRecoveryWorld();
  await world.kubernetes.patch(relayPath, [
    { op: "add", path: "/metadata/annotations/switchyard.dev~1database-secret", value: "relay-database/url" },
  ]);
  backup = await make(world);
  expect(backup).toMatchObject({ state: "completed", proof: "checksums" });
});
afterAll(() => world?.stop());
beforeEach(() => world.query(`TRUNCATE operations, documents; ${refill}`));

const relayPath = paths.workload("Deployment", "fleet", "relay");
const refill = `INSERT INTO documents (id, body) SELECT n, md5(n::text) FROM generate_series(1, ${documentRows}) n;
  INSERT INTO operations (document) SELECT id FROM documents`;
const lose = "DELETE FROM operations; DELETE FROM documents WHERE id > 10; INSERT INTO documents (id, body) VALUES (9000, 'new')";
const admin = () => as(world, "admin");
const inPlace = { mode: "in-place", confirm: "fleet/relay", reason: "documents were deleted" };

const start = (body: object, { context = admin(), key = randomUUID() as string, of = backup.id } = {}) =>
  startRestore(context, { backupId: of, body: { reason: "asked for in a test", ...body }, key });

/** Lets processes of their own carry out restores and the backups that they wait for, to the end of this one. */
async function carryOut({ id }: Pick<RestoreView, "id">): Promise<RestoreView> {
  const [restores, backups] = [new RestoreRunner(world.recovery), new BackupRunner(world.recovery)];
  await until(
    "the restore is over",
    async () => {
      await Promise.all([restores.pass(), backups.pass()]);
      return (await getRestore(world.context, id)).finishedAt;
    },
    60_000,
  );
  await Promise.all([restores.settled(), backups.settled()]);
  return getRestore(world.context, id);
}

async function count(): Promise<Record<string, unknown>> {
  const [row = {}] = await world.query("SELECT count(*)::int AS rows, max(id)::int AS highest FROM documents");
  return row;
}
const replicas = async () => (await world.kubernetes.get<Workload>(relayPath)).spec.replicas;
const stepsOf = ({ steps }: RestoreView) => steps.map(({ name, state }) => `${name}: ${state}`);

/** The databases of the service's server that carry its name. */
async function databases(): Promise<string[]> {
  const [row] = await world.query("SELECT current_database() AS name");
  const rows = await world.query(`SELECT datname FROM pg_database WHERE datname LIKE '${String(row?.name)}%'`);
  return rows.map(({ datname }) => String(datname)).filter((name) => name !== row?.name);
}

describe("a restore into scratch", () => {
  test("asks the questions of the backup again, and leaves nothing behind", async () => {
    await world.query(lose);
    const restore = await carryOut(await start({ mode: "scratch" }, { context: world.context }));
    expect(restore).toMatchObject({ state: "completed", parts: ["postgres", "objects"], safetyBackup: null });
    expect(restore.message).toMatch(/^PostgreSQL and the Kubernetes objects are restorable/);
    expect(restore.checks.length).toBeGreaterThan(4);
    expect(restore.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(await count()).toEqual({ rows: 11, highest: 9000 });
    const left = existsSync(world.recovery.workDir) ? await readdir(world.recovery.workDir) : [];
    expect(left).toEqual([]);
  });

  test("has an archive read back that it has found to be damaged: nothing counts on it any more", async () => {
    const own = await make(world);
    const path = join(world.folder, own.storageKey ?? "");
    const damaged = await readFile(path);
    const middle = Math.floor(damaged.length / 2);
    damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle);
    await writeFile(path, damaged);
    const restore = await carryOut(await start({ mode: "scratch" }, { of: own.id }));
    expect(restore.state).toBe("failed");
    await runAll(world);
    expect(await world.db.backup.findUnique({ where: { id: own.id } })).toMatchObject({ proof: "failed" });
  });

  test("fails when the answers are others", async () => {
    const restore = await withFacts(oneMore, async () => carryOut(await start({ mode: "scratch", parts: ["postgres"] })));
    expect(restore).toMatchObject({ state: "failed" });
    expect(restore.message).toMatch(
      /answers are others than in the backup.*251 rows.* wanted, 250 rows.* found\. Scratch is removed\.$/,
    );
  });
});

/** While the row of the backup says something else of its tables than its archive holds. */
async function withFacts<T>(change: (table: { rows: number }) => object, run: () => Promise<T>): Promise<T> {
  const manifest: Manifest = manifestSchema.parse(backup.manifest);
  const parts = manifest.parts.map((part) => {
    if (part.name !== "postgres") return part;
    const facts = part.facts as { tables: { rows: number }[] };
    return { ...part, facts: { ...facts, tables: facts.tables.map((table) => ({ ...table, ...change(table) })) } };
  });
  const write = (of: object) => world.db.backup.update({ where: { id: backup.id }, data: { manifest: toJson(of) } });
  await write({ ...manifest, parts });
  try {
    return await run();
  } finally {
    await write(manifest);
  }
}
/** Somebody deletes the Deployment, and makes one with another selector, which cannot be changed. */
async function replaceRelay(app: string): Promise<void> {
  const live = await world.kubernetes.get<Workload>(relayPath);
  await world.kubernetes.remove(relayPath, { uid: live.metadata.uid });
  await until("it is gone", async () => (await findOne(world.kubernetes, "Deployment", "fleet", "relay")) === null);
  const { metadata, spec } = cleanObject("Deployment", live as unknown as LiveObject) as unknown as Workload;
  const labels = { ...spec.template.metadata?.labels, app };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: { ...spec, selector: { matchLabels: { app } }, template },
  };
  await world.kubernetes.create("/apis/apps/v1/namespaces/fleet/deployments", deployment);
}

const oneMore = ({ rows }: { rows: number }) => ({ rows: rows + 1 });

describe("a restore in place", () => {
  test("brings the data back, with a backup of what was there, and starts what it stopped", async () => {
    await observeWorkloads(world.recovery);
    await world.query(lose);
    const retention = { keepLast: 9, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 };
    const body = { contents: relayContents, cron: "0 3 1 1 *", proveCron: null, retention, reason: "once a year" };
    await savePlan(admin(), { subject: "fleet/relay", body });
    const restore = await carryOut(await start(inPlace));
    // What came back is saved by the plan at once.
    const plan = await world.db.backupPlan.findUniqueOrThrow({ where: { subject: "fleet/relay" } });
    expect(plan.nextBackupAt?.getTime()).toBeLessThanOrEqual(Date.now());
    expect(stepsOf(restore).filter((step) => !step.endsWith(": done"))).toEqual([]);
    expect(restore.state).toBe("completed");
    expect(await count()).toEqual({ rows: documentRows, highest: documentRows });
    expect(await replicas()).toBe(3);
    expect(restore.steps.find(({ name }) => name === "Stop what writes")?.message).toBe("Stopped: fleet/relay (3).");
    const safety = await world.db.backup.findUniqueOrThrow({ where: { id: restore.safetyBackup?.id ?? "" } });
    expect(safety).toMatchObject({ purpose: "before_restore", state: "completed", proof: "checksums" });
    expect(JSON.stringify(safety.manifest)).toContain('"value":"9000"');
    expect(await databases()).toEqual([]);

    await observeWorkloads(world.recovery);
    const outside = await world.db.auditEntry.findMany({ where: { actorKind: "external" } });
    expect(outside).toEqual([]);
    const audit = await world.db.auditEntry.findFirst({
      where: { verb: "restore", targetName: `Backup ${backup.number}` },
      orderBy: { at: "desc" },
    });
    expect(audit).toMatchObject({ actorName: "ada", reason: "documents were deleted", outcome: "succeeded" });

    const back = await carryOut(await start({ ...inPlace, parts: ["postgres"] }, { of: safety.id }));
    expect(back.state).toBe("completed");
    expect(await count()).toEqual({ rows: 11, highest: 9000 });
  });

  test("leaves the present alone when what comes out of the archive is not what was saved", async () => {
    await world.query(lose);
    const restore = await withFacts(oneMore, async () => carryOut(await start(inPlace)));
    expect(restore.state).toBe("failed");
    expect(restore.message).toMatch(/250 rows.*instead of 251 rows.*All is as it was before\.$/);
    expect(await count()).toEqual({ rows: 11, highest: 9000 });
    expect(await replicas()).toBe(3);
    expect(await databases()).toEqual([]);
  });

  test("takes back the data when the objects cannot be restored", async () => {
    await world.query(lose);
    await replaceRelay("another-selector");
    const restore = await carryOut(await start(inPlace));
    expect(restore.state).toBe("failed");
    expect(restore.message).toMatch(/^Deployment relay: .*selector.* All is as it was before\.$/s);
    expect(stepsOf(restore).slice(3)).toEqual([
      "Restore PostgreSQL: done",
      "Restore the Kubernetes objects: failed",
      "Hold what was restored against the backup: skipped",
      "Take back what was restored: done",
      "Start what was stopped: done",
      "Let the former data go: skipped",
    ]);
    expect(await count()).toEqual({ rows: 11, highest: 9000 });
    expect(await replicas()).toBe(3);
    expect(await databases()).toEqual([]);
    await replaceRelay("relay");
  });

  test("is not begun when the present cannot be saved, unless that is said to be lost", async () => {
    const url = (await world.query("SELECT current_database() AS name"))[0]?.name;
    await onServer(`ALTER DATABASE "${String(url)}" RENAME TO lost_${String(url)}`);
    const refused = await carryOut(await start({ ...inPlace, parts: ["postgres"] }));
    expect(refused.state).toBe("failed");
    expect(refused.message).toMatch(/^The present could not be saved \(postgres\).*Nothing was changed\./);
    expect(await replicas()).toBe(3);

    const restore = await carryOut(await start({ ...inPlace, parts: ["postgres"], isPresentLost: true }));
    await onServer(`DROP DATABASE lost_${String(url)}`);
    expect(restore.message).toMatch(/^PostgreSQL is back/);
    expect(await count()).toEqual({ rows: documentRows, highest: documentRows });
    expect(await replicas()).toBe(3);
  });

  test("goes on where a killed process left it", async () => {
    await world.query(lose);
    const { id } = await start({ ...inPlace, parts: ["postgres"] });
    const row = await world.db.restore.findUniqueOrThrow({ where: { id } });
    let run: RestoreRun = { ...runOf(row), stopped: [{ kind: "Deployment", namespace: "fleet", name: "relay", replicas: 3 }] };
    const safety = await make(world, { contents: { ...relayContents, objects: false } });
    for (const key of ["check", "save"] satisfies StepKey[]) run = withStep(run, key, { state: "done" });
    run = withStep(run, "stop", { state: "running" });
    await world.kubernetes.patch(relayPath, [{ op: "replace", path: "/spec/replicas", value: 0 }]);
    const dead = { state: "running" as const, runner: "dead", heartbeatAt: new Date(Date.now() - 60_000) };
    await world.db.restore.update({ where: { id }, data: { ...dead, run: toJson(run), safetyBackupId: safety.id } });
    const restore = await carryOut({ id });
    expect(restore).toMatchObject({ state: "completed", safetyBackup: { id: safety.id } });
    expect(await count()).toEqual({ rows: documentRows, highest: documentRows });
    expect(await replicas()).toBe(3);
  });

  test("can be called off before it has written anything", async () => {
    const { id } = await start({ ...inPlace, parts: ["postgres"] });
    const runner = new RestoreRunner(world.recovery);
    await runner.pass();
    await until("it waits for the backup of the present", async () => (await getRestore(world.context, id)).safetyBackup);
    const cancelled = await cancelRestore(admin(), { id, body: { reason: "it was the wrong one" }, key: randomUUID() });
    expect(cancelled.message).toMatch(/is being taken back\.$/);
    await runner.settled();
    const restore = await getRestore(world.context, id);
    expect(restore).toMatchObject({ state: "cancelled", message: "Cancelled by ada. Nothing was changed." });
    await expect(cancelRestore(admin(), { id, body: { reason: "once more" }, key: randomUUID() })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    await world.db.backup.updateMany({ where: { state: "queued" }, data: { state: "failed" } });
  });

  test("is for administrators who type the name, one at a time, once for its key", async () => {
    await expect(start(inPlace, { context: world.context })).rejects.toMatchObject({ code: "not-permitted" });
    await expect(start({ ...inPlace, confirm: "relay" })).rejects.toMatchObject({ code: "invalid-input" });
    await expect(start({ mode: "scratch" }, { context: as(world, "viewer") })).rejects.toMatchObject({ code: "not-permitted" });
    const key = randomUUID();
    const [first, second] = await Promise.all([start(inPlace, { key }), start(inPlace, { key })]);
    expect(second.id).toBe(first.id);
    await expect(start(inPlace)).rejects.toMatchObject({ code: "precondition-failed" });
    const { message } = await cancelRestore(admin(), { id: first.id, body: { reason: "only a test" }, key: randomUUID() });
    expect(message).toBe(`Restore ${first.number} is cancelled.`);
    const { items } = await listRestores(world.context, { subject: "fleet/relay", state: "cancelled" });
    expect(items[0]?.id).toBe(first.id);
  });

  test("brings a large database back of which next to nothing is left", async () => {
    await world.query("INSERT INTO documents (id, body) SELECT n, md5(random()::text) FROM generate_series(1000, 60000) n");
    const large = await make(world);
    expect(Number(large.bytes)).toBeGreaterThan(1_200_000);
    await world.query("TRUNCATE operations, documents");
    const restore = await carryOut(await start(inPlace, { of: large.id }));
    expect(restore).toMatchObject({ state: "completed" });
    expect(await count()).toEqual({ rows: documentRows + 59_001, highest: 60_000 });
  });

  test("shows before it what would change, stop and be lost", async () => {
    await world.query(lose);
    await world.kubernetes.patch(relayPath, [{ op: "add", path: "/metadata/annotations/team", value: "other" }]);
    const search = { mode: "in-place" };
    const preview = await previewRestore(world.context, { backupId: backup.id, search });
    await world.kubernetes.patch(relayPath, [{ op: "add", path: "/metadata/annotations/team", value: "fleet" }]);
    expect(preview.problems).toEqual([]);
    expect(preview.stops).toEqual([{ namespace: "fleet", name: "relay", replicas: 3 }]);
    expect(preview.changes).toContainEqual({
      part: "objects",
      what: "Deployment relay",
      before: "as it is",
      after: "as in the backup",
    });
    const documents = preview.changes.find(({ what }) => what.includes("documents"));
    expect(documents?.before).toContain("11");
    expect(documents?.after).toContain("250");
    expect(preview.lost[0]).toBe(`Everything written after ${backup.takenAt?.toISOString()}.`);
    expect(preview.pointInTime).toMatchObject({ available: false, message: expect.stringMatching(/archiv/) });
  });
});

async function onServer(sql: string): Promise<void> {
  const url = new URL(process.env.SWITCHYARD_TEST_POSTGRES_URL ?? "");
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const [, name] = /DATABASE "?(?:lost_)?(test_[0-9a-f]+)/.exec(sql) ?? [];
  await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
  await client.query(sql);
  await client.end();
}

describe("a restore into another namespace", () => {
  test("makes the objects there", async () => {
    const restore = await carryOut(await start({ mode: "namespace", intoNamespace: "fleet-dr", parts: ["objects"] }));
    expect(restore).toMatchObject({ state: "completed", intoNamespace: "fleet-dr" });
    expect(await findOne(world.kubernetes, "Secret", "fleet-dr", "relay-database")).not.toBeNull();
    const deployment = (await findOne(world.kubernetes, "Deployment", "fleet-dr", "relay")) as unknown as Workload;
    expect(deployment.spec.replicas).toBe(3);
  });

  test("never reaches the servers of the present, and starts nothing without its data", async () => {
    await world.query(lose);
    const restore = await carryOut(await start({ mode: "namespace", intoNamespace: "fleet-two" }));
    expect(restore.state).toBe("failed");
    expect(restore.message).toMatch(/is no Service of the namespace fleet-two.*What was made in fleet-two is still there\.$/);
    expect(await count()).toEqual({ rows: 11, highest: 9000 });
    const deployment = (await findOne(world.kubernetes, "Deployment", "fleet-two", "relay")) as unknown as Workload;
    expect(deployment.spec.replicas).toBe(0);
  });

  test("is refused for the namespace that it is from, and for a part that the backup lacks", async () => {
    await expect(start({ mode: "namespace", intoNamespace: "fleet" })).rejects.toMatchObject({ code: "invalid-input" });
    await expect(start({ mode: "scratch", parts: ["redis"] })).rejects.toMatchObject({ code: "invalid-input" });
  });
});
