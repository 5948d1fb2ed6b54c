import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { BackupRunner } from "#lib/domain/recovery/backups/runner.ts";
import { make, type Wish } from "#lib/domain/recovery/backups/test-backups.ts";
import { abortDrill } from "#lib/domain/recovery/drills/commands.ts";
import { listRehearsed } from "#lib/domain/recovery/drills/rehearsed.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { serviceId } from "#lib/domain/recovery/drills/service-id.ts";
import { RestoreRunner } from "#lib/domain/recovery/restores/runner.ts";
import { documentRows, type RecoveryWorld, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { type KubernetesObject, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { DrillWorld, drilled, isReady } from "./test-drills.ts";

// Each goes through whole drills with their restores.
vi.setConfig({ testTimeout: 180_000 });

let world: RecoveryWorld;
let drills: DrillWorld;

beforeAll(async () => {
  world = await startRecoveryWorld();
  await world.kubernetes.patch(paths.workload("Deployment", "fleet", "relay"), [
    { op: "add", path: "/metadata/annotations/switchyard.dev~1database-secret", value: "relay-database/url" },
  ]);
  drills = await DrillWorld.start(world, { yaml: [], fleet: { relay: 3 }, probed: "relay" });
  drills.meanwhile = carryOutRestores;
});
afterAll(() => drills?.stop());
beforeEach(async () => {
  await world.db.restore.deleteMany();
  await world.db.backup.deleteMany();
  await drills.begin();
});
afterEach(() => drills.clear());

/** Another controller carries out what restores there are, and the backups that they wait for, to their end. */
async function carryOutRestores(): Promise<void> {
  const open = () => world.db.restore.count({ where: { state: { in: ["queued", "running"] } } });
  if ((await open()) === 0) return;
  const [restores, backups] = [new RestoreRunner(world.recovery), new BackupRunner(world.recovery)];
  await until(
    "the restore is over",
    async () => {
      await Promise.all([restores.pass(), backups.pass()]);
      return (await open()) === 0;
    },
    60_000,
  );
  await Promise.all([restores.settled(), backups.settled()]);
  await Promise.all([restores.stop(), backups.stop()]);
}

/** A backup of now, in this world's time. */
async function save(wish: Wish = {}): Promise<Backup> {
  world.setClock(new Date(drills.now()));
  try {
    return await make(world, wish);
  } finally {
    world.setClock(null);
  }
}

const kinds = ({ events }: DrillDetail) => events.map(({ kind }) => kind);
const failures = ({ report }: DrillDetail) => report?.checks.filter(({ passed }) => !passed);

/** Its connections end with the database. */
const documents = () =>
  until("the database answers", async () => Number((await world.query("SELECT count(*)::int AS rows FROM documents"))[0]?.rows));

test("a database that is dropped is restored when an alert arrives, and what was written after its backup is counted", async () => {
  await save();
  await world.query("INSERT INTO documents (body) VALUES ('after the backup')");
  const { id } = await drills.ask("database", { override: "the demo's data" }, drills.admin());
  await drills.strike(id);
  drills.clients.away = [0, 1];
  await drills.passUntil(id, "it is confirmed", (detail) => kinds(detail).includes("confirmed"));
  await expect(world.query("SELECT 1")).rejects.toThrow();
  await drills.pass(5);
  expect(await world.db.restore.count()).toBe(0);
  await drills.fire();
  const written = drills.now() - 12_000;
  await drills.passUntil(id, "it is restored", (detail) => kinds(detail).includes("remedied"));
  drills.clients.away = [];
  drills.clients.losses.push([written, drills.now()]);
  const detail = await drills.end(id);
  expect(detail.drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: 1 });
  expect(detail.drill.rtoMs).toBeGreaterThan(5_000);
  expect(detail.drill.rpoMs).toBeGreaterThan(0);
  expect(detail.report?.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(["Table public.documents"]));
  expect(failures(detail)).toEqual([]);
  expect(await documents()).toBe(documentRows);
});

test("an aborted drill leaves no service without its database", async () => {
  await save();
  const { id } = await drills.ask("database", { override: "the demo's data" }, drills.admin());
  await drills.passUntil(id, "it is confirmed", (detail) => kinds(detail).includes("confirmed"));
  await abortDrill(drills.operator, id, { reason: "customers call" });
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ state: "aborted", verdict: "inconclusive", abortedBy: "olga" });
  expect(await documents()).toBe(documentRows);
});

test("a database is not dropped without a backup that is fresh, nor without an administrator's word", async () => {
  const override = { override: "the demo's data" };
  await expect(drills.ask("database", override, drills.admin())).rejects.toThrow("There is no verified backup to restore");
  const { number } = await save();
  await expect(drills.ask("database")).rejects.toThrow("an administrator has to say why");
  await world.db.backup.updateMany({ data: { takenAt: new Date(drills.now() - 2 * 3_600_000) } });
  await expect(drills.ask("database", override, drills.admin())).rejects.toThrow(
    new RegExp(`${number} is from .*make one first`),
  );
  expect(await documents()).toBe(documentRows);
});

/** Whether the relay names its database, which lies outside of the test's cluster. */
const nameDatabase = (isNamed: boolean) =>
  world.kubernetes.patch(paths.workload("Deployment", "fleet", "relay"), [
    { op: "add", path: "/metadata/annotations/switchyard.dev~1database-secret", value: isNamed ? "relay-database/url" : "" },
  ]);

test("a service that names the address of a present database is not built elsewhere: it would write into it", async () => {
  await save({ contents: { postgres: null, objects: true } });
  await expect(drills.ask("region", { settings: { intoNamespace: "elsewhere" } })).rejects.toThrow(
    /A copy would reach the present servers: fleet\/relay reads 127\.0\.0\.1/,
  );
});

const findNamespace = (name: string) => world.kubernetes.get<KubernetesObject>(paths.namespace(name)).catch(() => null);

test("another region is played by a namespace that the service is built in from backups, what it depends on first, and that is removed", async () => {
  const depends = (on: string) =>
    world.kubernetes.patch(paths.workload("Deployment", "fleet", "relay"), [
      { op: "add", path: "/metadata/annotations/switchyard.dev~1depends-on", value: on },
    ]);
  await nameDatabase(false);
  await depends("issuer");
  await world.cluster.create(drilled("issuer", "issuer"));
  try {
    await save({ contents: { postgres: null, objects: true } });
    const settings = { intoNamespace: "elsewhere" };
    await expect(drills.ask("region", { settings })).rejects.toThrow(
      "depends on fleet/issuer, of which there is no verified backup with its objects",
    );
    await save({ subject: "fleet/issuer", contents: { postgres: null, objects: true } });
    const { id } = await drills.ask("region", { settings });
    const built = () => world.kubernetes.list<Workload>("/apis/apps/v1/namespaces/elsewhere/deployments").catch(() => []);
    await drills.passUntil(id, "it is built", ({ drill }) => drill.recoveredAt !== null);
    expect((await built()).map(({ metadata }) => metadata.name).toSorted()).toEqual(["issuer", "relay"]);
    const detail = await drills.end(id);
    expect(detail.drill).toMatchObject({
      state: "completed",
      verdict: "met",
      lostWrites: null,
      target: "the namespace elsewhere",
    });
    expect(detail.drill.message).toContain("It is a rehearsal: the real time may differ.");
    expect(failures(detail)).toEqual([]);
    expect(await findNamespace("elsewhere")).toBeNull();
    expect((await drills.listPods("relay")).filter(isReady)).toHaveLength(3);
    const rehearsed = await listRehearsed(drills.operator);
    expect(rehearsed.map(serviceId).toSorted()).toEqual(["elsewhere/issuer", "elsewhere/relay"]);
    const restores = await world.db.restore.findMany({ orderBy: { createdAt: "asc" } });
    expect(restores.map(({ subject, mode }) => `${subject} ${mode}`)).toEqual([
      "fleet/issuer namespace",
      "fleet/relay namespace",
    ]);
  } finally {
    await depends("");
    await nameDatabase(true);
    const issuer = paths.workload("Deployment", "fleet", "issuer");
    await world.kubernetes.remove(issuer, { uid: (await world.kubernetes.get<Workload>(issuer)).metadata.uid });
  }
});

test("an aborted rehearsal calls its restore off before it removes the namespace", async () => {
  await save({ contents: { postgres: null, objects: true } });
  await nameDatabase(false);
  drills.meanwhile = async () => {};
  try {
    const { id } = await drills.ask("region", { settings: { intoNamespace: "elsewhere" } });
    await drills.passUntil(id, "it restores", ({ events }) => events.some(({ kind }) => kind === "confirmed"));
    await drills.pass(2);
    expect(await world.db.restore.findMany()).toMatchObject([{ state: "queued" }]);
    await abortDrill(drills.operator, id, { reason: "customers call" });
    expect((await drills.end(id)).drill).toMatchObject({ state: "aborted" });
    expect(await world.db.restore.findMany()).toMatchObject([{ state: "cancelled" }]);
    expect(await findNamespace("elsewhere")).toBeNull();
  } finally {
    drills.meanwhile = carryOutRestores;
    await nameDatabase(true);
  }
});

test("a namespace that is there already plays no other region, and stays", async () => {
  await save();
  await expect(drills.ask("region")).rejects.toThrow("Name the namespace that plays the other region.");
  await expect(drills.ask("region", { settings: { intoNamespace: "fleet" } })).rejects.toThrow(
    "There is a namespace fleet already",
  );
  expect(await findNamespace("fleet")).not.toBeNull();
});

const ownBackup = { subject: "switchyard", contents: { postgres: { address: null }, objects: false } };
const own = { subject: "switchyard" };

test("Switchyard's own database is restored elsewhere and answers as it did, and nothing of that stays", async () => {
  const backup = await save(ownBackup);
  expect(backup).toMatchObject({ state: "completed", proof: "checksums" });
  const { id } = await drills.ask("control-plane", own);
  const detail = await drills.end(id);
  expect(detail.drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: null, incidentId: null });
  expect(detail.report?.checks.length).toBeGreaterThan(10);
  expect(failures(detail)).toEqual([]);
  expect(await readdir(world.recovery.workDir)).toEqual([]);
});

test("a backup of Switchyard that cannot be restored any more is no proof of anything, and the drill says why", async () => {
  const { storageKey } = await save(ownBackup);
  const archive = join(world.folder, storageKey ?? "");
  const content = await readFile(archive);
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
  await writeFile(archive, content);
  const { id } = await drills.ask("control-plane", own);
  const { drill } = await drills.end(id);
  expect(drill).toMatchObject({ state: "aborted", verdict: "inconclusive" });
  expect(drill.message).toMatch(/has not come to its end: /);
});
