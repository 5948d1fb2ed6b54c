import { randomUUID } from "node:crypto";
import { readdirSync, renameSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import { toJson } from "#lib/database/storable.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { BackupRunner } from "../backups/runner.ts";
import { as, make } from "../backups/test-backups.ts";
import { ask, instant, startArchivingServer } from "../sources/test-postgres.ts";
import { type RecoveryWorld, relayContents, startRecoveryWorld } from "../test-recovery.ts";
import { getRestore, previewRestore } from "./queries.ts";
import { type RestoreRun, type StepKey, withStep } from "./run.ts";
import { RestoreRunner } from "./runner.ts";
import type { RestoreView } from "./schemas.ts";
import { startRestore } from "./start.ts";
import { runOf } from "./stored.ts";

let world: RecoveryWorld;
let server: Awaited<ReturnType<typeof startArchivingServer>>;
let address: ServerAddress;
let backup: Backup;

beforeAll(async () => {
  [world, server] = await Promise.all([startRecoveryWorld(), startArchivingServer()]);
  address = await server.makeDatabase("relay");
  await ask(address, "CREATE TABLE operations (id bigserial PRIMARY KEY, body text)");
  const secret = "/api/v1/namespaces/fleet/secrets/relay-database";
  const url = Buffer.from(address.url).toString("base64");
  await world.kubernetes.patch(secret, [{ op: "add", path: "/data/url", value: url }]);
  await world.kubernetes.patch(relayPath, [
    { op: "add", path: "/metadata/annotations/switchyard.dev~1database-secret", value: "relay-database/url" },
  ]);
  const { postgres } = relayContents;
  const walArchive = pathToFileURL(server.archive).href;
  await write(100);
  backup = await make(world, { contents: { ...relayContents, postgres: { ...postgres, walArchive } } });
  expect(backup).toMatchObject({ state: "completed", proof: "checksums" });
});

afterAll(async () => {
  await Promise.all([world?.stop(), server?.stop()]);
});

const relayPath = paths.workload("Deployment", "fleet", "relay");
const inPlace = { mode: "in-place", parts: ["postgres"], confirm: "fleet/relay", reason: "the table was dropped" };

const start = (body: object, of = backup.id) =>
  startRestore(as(world, "admin"), { backupId: of, body: { reason: "asked for in a test", ...body }, key: randomUUID() });

function write(rows: number) {
  return ask(address, `INSERT INTO operations (body) SELECT md5(random()::text) FROM generate_series(1, ${rows})`);
}

async function carryOut({ id }: Pick<RestoreView, "id">): Promise<RestoreView> {
  const [restores, backups] = [new RestoreRunner(world.recovery), new BackupRunner(world.recovery)];
  await until(
    "the restore is over",
    async () => {
      await Promise.all([restores.pass(), backups.pass()]);
      return (await getRestore(world.context, id)).finishedAt;
    },
    90_000,
  );
  await Promise.all([restores.settled(), backups.settled()]);
  return getRestore(world.context, id);
}

const stepsOf = ({ steps }: RestoreView) => steps.map(({ name, state }) => `${name}: ${state}`);
const count = () => ask(address, "SELECT count(*)::int AS rows, max(id)::int AS highest FROM operations");
const leftOver = async () => (await readdir(world.recovery.workDir)).filter((name) => name.startsWith("scratch-"));

test("a restore in place brings the database back as it was at an instant between two backups", {
  timeout: 120_000,
}, async () => {
  await write(50);
  const between = await instant(address);
  await write(500);
  await ask(address, "DROP TABLE operations");
  const search = { mode: "in-place", parts: "postgres", untilTime: between };
  const preview = await previewRestore(world.context, { backupId: backup.id, search });
  expect(preview.problems).toEqual([]);
  expect(preview.pointInTime).toMatchObject({ available: true, message: expect.stringContaining(server.archive) });
  expect(Date.parse(preview.pointInTime.span?.from ?? "")).toBeLessThan(Date.parse(between));
  expect(preview.lost[0]).toBe(`Everything written to PostgreSQL after ${between}.`);
  expect(preview.stops).toEqual([{ namespace: "fleet", name: "relay", replicas: 3 }]);

  const restore = await carryOut(await start({ ...inPlace, untilTime: between }));
  expect(restore).toMatchObject({ state: "completed", untilTime: between, message: `PostgreSQL is back, as of ${between}.` });
  expect(stepsOf(restore)).toEqual([
    "Read the archive from beginning to end: done",
    "Back up the present: done",
    "Recover PostgreSQL to the instant, in a server of its own: done",
    "Stop what writes: done",
    "Restore PostgreSQL: done",
    "Hold what was restored against the backup: done",
    "Start what was stopped: done",
    "Let the former data go: done",
  ]);
  expect(restore.checks).toEqual([
    {
      name: "Table public.operations",
      wanted: "150 rows, highest id 150",
      found: "150 rows, highest id 150",
      passed: true,
    },
  ]);
  expect(await count()).toEqual([{ rows: 150, highest: 150 }]);
  expect((await world.kubernetes.get<Workload>(relayPath)).spec.replicas).toBe(3);
  expect(await leftOver()).toEqual([]);
  const safety = await world.db.backup.findUniqueOrThrow({ where: { id: restore.safetyBackup?.id ?? "" } });
  expect(JSON.stringify(safety.manifest)).not.toContain("postgres-base");
});

test("an instant is rehearsed in scratch, which touches nothing", { timeout: 120_000 }, async () => {
  await write(3);
  const [before] = await count();
  const between = await instant(address);
  await write(40);
  const [present] = await count();
  const restore = await carryOut(await start({ mode: "scratch", untilTime: between }));
  expect(restore).toMatchObject({ state: "completed", parts: ["postgres"] });
  expect(stepsOf(restore)).toHaveLength(2);
  expect(restore.checks).toMatchObject([{ found: `${before?.rows} rows, highest id ${before?.highest}`, passed: true }]);
  expect(await count()).toEqual([present]);
  expect(await leftOver()).toEqual([]);
});

test("unlogged tables are said to come back empty before, and by the restore that brings them back", {
  timeout: 120_000,
}, async () => {
  await ask(address, "CREATE UNLOGGED TABLE cache (id int PRIMARY KEY); INSERT INTO cache VALUES (1), (2)");
  const between = await instant(address);
  const search = { mode: "in-place", parts: "postgres", untilTime: between };
  const { lost } = await previewRestore(world.context, { backupId: backup.id, search });
  const sentence = "Unlogged tables come back empty, as no WAL holds their rows: public.cache.";
  expect(lost).toContainEqual(expect.stringContaining(sentence));
  const restore = await carryOut(await start({ mode: "scratch", untilTime: between }));
  expect(restore.steps.at(-1)?.message).toContain(sentence);
  await ask(address, "DROP TABLE cache");
});

test("a process that takes over when it is recovered recovers again, and restores that", { timeout: 120_000 }, async () => {
  await write(5);
  const [before] = await count();
  const between = await instant(address);
  await write(70);
  const rehearsal = await carryOut(await start({ mode: "scratch", untilTime: between }));
  const { recovered } = runOf(await world.db.restore.findUniqueOrThrow({ where: { id: rehearsal.id } }));
  const safety = await make(world, { contents: { ...relayContents, objects: false } });
  const { id } = await start({ ...inPlace, untilTime: between });
  let run: RestoreRun = { ...runOf(await world.db.restore.findUniqueOrThrow({ where: { id } })), recovered };
  for (const key of ["check", "save", "recover"] satisfies StepKey[]) run = withStep(run, key, { state: "done" });
  run = withStep(run, "stop", { state: "running" });
  const dead = { state: "running" as const, runner: "dead", heartbeatAt: new Date(Date.now() - 60_000) };
  await world.db.restore.update({ where: { id }, data: { ...dead, run: toJson(run), safetyBackupId: safety.id } });
  expect(await carryOut({ id })).toMatchObject({ state: "completed", safetyBackup: { id: safety.id } });
  expect(await count()).toEqual([before]);
  expect(await leftOver()).toEqual([]);
});

test("an instant outside of what the archive leads to is refused, with a gap by its name", async () => {
  const early = backup.startedAt?.toISOString() ?? "";
  await expect(start({ ...inPlace, untilTime: early })).rejects.toThrow(`${early} is not between`);
  const future = new Date(Date.now() + 3_600_000).toISOString();
  await expect(start({ ...inPlace, untilTime: future })).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { untilTime: [expect.stringContaining("is not between")] } },
  });
  await ask(server.admin, "SELECT pg_switch_wal()");
  await write(10);
  const [row] = await ask(server.admin, "SELECT pg_walfile_name(pg_switch_wal()) AS name");
  const last = String(row?.name);
  await until("it is archived", async () => readdirSync(server.archive).includes(last), 20_000);
  const gap =
    readdirSync(server.archive)
      .toSorted()
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .at(-2) ?? "";
  const lost = await instant(address);
  renameSync(join(server.archive, gap), join(server.archive, "aside"));
  try {
    await expect(start({ ...inPlace, untilTime: lost })).rejects.toThrow(gap);
    const search = { mode: "in-place", parts: "postgres", untilTime: lost };
    const { problems } = await previewRestore(world.context, { backupId: backup.id, search });
    expect(problems).toEqual([expect.stringContaining(`the WAL segment ${gap} is missing`)]);
  } finally {
    renameSync(join(server.archive, "aside"), join(server.archive, gap));
  }
  expect(await world.db.restore.count({ where: { state: "queued" } })).toBe(0);
});

test("a backup whose base backup failed is partial, says what to do, and has no instants", async () => {
  await ask(
    server.admin,
    "CREATE ROLE plain LOGIN PASSWORD 'own' SUPERUSER; ALTER ROLE plain NOSUPERUSER; GRANT pg_read_all_data TO plain",
  );
  const secret = "/api/v1/namespaces/fleet/secrets/relay-database";
  const url = Buffer.from(address.url.replace(/\/\/[^@]*@/, "//plain:own@")).toString("base64");
  await world.kubernetes.patch(secret, [{ op: "add", path: "/data/url", value: url }]);
  const { postgres } = relayContents;
  const contents = { ...relayContents, postgres: { ...postgres, walArchive: pathToFileURL(server.archive).href } };
  const partial = await make(world, { contents });
  expect(partial).toMatchObject({ state: "partial", proof: "checksums" });
  expect(partial.message).toContain('run ALTER ROLE "plain" REPLICATION');
  const preview = await previewRestore(world.context, { backupId: partial.id, search: { mode: "in-place" } });
  expect(preview.pointInTime).toMatchObject({ available: false, message: expect.stringContaining("may not take a base backup") });
  await expect(start({ ...inPlace, untilTime: await instant(address) }, partial.id)).rejects.toThrow(
    "may not take a base backup",
  );
});
