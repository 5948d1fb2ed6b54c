import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { keysIn } from "#lib/storage/test-contract.ts";
import { generateKey, type Keyring, parseKeyring } from "../archive/keyring.ts";
import { companionKey } from "../archive/manifest.ts";
import { chooseArchive, listArchives } from "../restores/recover.ts";
import { type RecoveryWorld, startRecoveryWorld } from "../test-recovery.ts";
import { isArchiveKey, openArchive } from "./archives.ts";
import { reconcileStorage } from "./catalogue.ts";
import { queueProof } from "./queue-proof.ts";
import { resealArchives } from "./reseal.ts";
import { runAll } from "./test-backups.ts";
import { putArchive, startReseal, sumOf } from "./test-reseal.ts";

/** `npm run reseal` killed with -9: an archive is there whole at every instant, and nothing is left over in the end. */

const largeBytes = 30_000_000;

let world: RecoveryWorld;
let newKey: string;
let during: Keyring;
let after: Keyring;
beforeAll(async () => {
  [world, newKey] = await Promise.all([startRecoveryWorld(), generateKey()]);
  [during, after] = await Promise.all([parseKeyring(`${newKey},${world.backupKey}`), parseKeyring(newKey)]);
});
afterAll(() => world?.stop());
afterEach(async () => {
  world.setClock(null);
  await world.db.backup.deleteMany();
  await rm(world.folder, { recursive: true, force: true });
});

const start = () => startReseal(world, [newKey, world.backupKey]);

/** Kills it as soon as the storage shows what is waited for. */
async function killWhen(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const { child, ended, said } = start();
  await until(what, async () => child.exitCode !== null || (await isSo()), 60_000);
  expect(child.exitCode, said()).toBeNull();
  child.kill("SIGKILL");
  await ended;
}

const keys = () => keysIn(world.recovery.storage, "");
const row = (id: string) => world.db.backup.findUniqueOrThrow({ where: { id } });
async function checkWhole({ id }: Backup): Promise<Backup> {
  const now = await row(id);
  expect(await sumOf(world.recovery.storage, now)).toEqual({ bytes: now.bytes, sha256: now.sha256 });
  expect(await openArchive({ storage: world.recovery.storage, keyring: during }, now)).toEqual(now.manifest);
  return now;
}

/** What another try of the command does about it at once, and the controller an hour later. */
async function endIt(old: Backup): Promise<void> {
  const { ended, said } = start();
  expect([(await ended)[0], said()]).toEqual([0, expect.stringContaining("No archive needs the old keys.")]);
  const now = await checkWhole(old);
  expect(now).toMatchObject({ proof: "restored", keyId: after.keyId, runner: null });
  expect(await keys()).toEqual([now.storageKey, companionKey(now.storageKey ?? "")]);
  const found = chooseArchive(await listArchives(world.recovery.storage), old.id);
  expect(found.key).toBe(now.storageKey);
  world.setClock(new Date(Date.now() + 3_600_000));
  await reconcileStorage(world.recovery);
  expect(await checkWhole(old)).toEqual(now);
  expect(await readdir(join(world.folder, ".unfinished"))).toEqual([]);
}

test("while the new archive is written", async () => {
  const old = await putArchive(world, { bytes: largeBytes });
  await killWhen("a file is being written", async () => (await readdir(join(world.folder, ".unfinished"))).length > 0);
  expect(await checkWhole(old)).toMatchObject({ storageKey: old.storageKey });
  await endIt(old);
}, 120_000);

test("while the new archive is read back", async () => {
  const old = await putArchive(world, { bytes: largeBytes });
  await killWhen("the new archive is there", async () => (await keys()).filter(isArchiveKey).length === 2);
  expect(await keys()).toHaveLength(3);
  expect(await checkWhole(old)).toMatchObject({ storageKey: old.storageKey });
  await endIt(old);
}, 120_000);

test("when all is there and the catalogue still names the old archive", async () => {
  const old = await putArchive(world);
  // A proof that waits keeps it from going on.
  const order = { backupId: old.id, level: "checksums" as const, byName: "a test" };
  const { id: proof } = await world.db.$transaction((transaction) => queueProof(transaction, world.recovery, order));
  await killWhen("the new archive and what lies beside it are there", async () => (await keys()).length === 4);
  expect(await checkWhole(old)).toMatchObject({ storageKey: old.storageKey });
  // Without Switchyard and without the old key it is found, too.
  const found = chooseArchive(await listArchives(world.recovery.storage), old.id);
  expect(found).toMatchObject({ archive: { keyId: after.keyId }, manifest: old.manifest });
  await world.db.backupProofRun.delete({ where: { id: proof } });
  // Also without another try.
  await reconcileStorage(world.recovery);
  expect(await keys()).toEqual([old.storageKey, companionKey(old.storageKey ?? "")]);
  await endIt(old);
}, 120_000);

test("when the catalogue names the new archive and the old one has not gone", async () => {
  const old = await putArchive(world);
  const files = [old.storageKey ?? "", companionKey(old.storageKey ?? "")].map((key) => join(world.folder, key));
  const aside = join(world.folder, ".aside");
  await mkdir(aside, { recursive: true });
  for (const [index, file] of files.entries()) await copyFile(file, join(aside, String(index)));
  await resealArchives({ ...world.recovery, keyring: during }, { signal: new AbortController().signal });
  await mkdir(dirname(files[0] ?? ""), { recursive: true });
  for (const [index, file] of files.entries()) await copyFile(join(aside, String(index)), file);
  expect(await keys()).toHaveLength(4);
  await endIt(old);
}, 120_000);

test("when Switchyard's database is brought back to what it was before, the new archive is found and read back", async () => {
  const old = await putArchive(world);
  await resealArchives({ ...world.recovery, keyring: during }, { signal: new AbortController().signal });
  const { storageKey } = await row(old.id);
  const { storageKey: former, bytes, sha256, keyId } = old;
  await world.db.backup.update({ where: { id: old.id }, data: { storageKey: former, bytes, sha256, keyId } });
  world.setClock(new Date(Date.now() + 3_600_000));
  await reconcileStorage(world.recovery);
  expect(await row(old.id)).toMatchObject({ storageKey, keyId: after.keyId, state: "completed", proof: "unverified" });
  await runAll({ recovery: { ...world.recovery, keyring: after } });
  expect(await checkWhole(old)).toMatchObject({ proof: "checksums" });
  expect(await world.db.backup.count()).toBe(1);
});
