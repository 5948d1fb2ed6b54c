import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import { keysIn } from "#lib/storage/test-contract.ts";
import { generateKey, parseKeyring } from "../archive/keyring.ts";
import { companionKey } from "../archive/manifest.ts";
import { bytesOf } from "../archive/test-archives.ts";
import { chooseArchive, listArchives } from "../restores/recover.ts";
import { type RecoveryWorld, startRecoveryWorld } from "../test-recovery.ts";
import { otherKey, readCompanion, removeArchive, writeCompanion } from "./archives.ts";
import { reconcileStorage } from "./catalogue.ts";
import { resealArchives } from "./reseal.ts";
import { BackupRunner } from "./runner.ts";
import { ask, runAll } from "./test-backups.ts";
import { putArchive, sumOf } from "./test-reseal.ts";

/** Archives that no row names, of backups that have a row: no backup is counted twice, and none is left that nobody counts. */

let world: RecoveryWorld;
beforeAll(async () => {
  world = await startRecoveryWorld();
});
afterAll(() => world?.stop());
afterEach(async () => {
  await world.db.backup.deleteMany();
  await rm(world.folder, { recursive: true, force: true });
});

const keys = () => keysIn(world.recovery.storage, "");

async function* one(content: Uint8Array) {
  yield content;
}

test("what a process writes that was thought dead does not come over the archive of the one that took over", async () => {
  const { storage } = world.recovery;
  const written = Promise.withResolvers<void>();
  const isOver = Promise.withResolvers<void>();
  // It is frozen before its archive is there, hears of nothing, and goes on when another process is done.
  const frozen: ObjectStorage = Object.assign(Object.create(storage) as ObjectStorage, {
    async put(key: string, source: AsyncIterable<Uint8Array>) {
      const content = await bytesOf(source);
      written.resolve();
      await isOver.promise;
      return storage.put(key, one(content));
    },
    find: (key: string) => storage.find(key),
    get: (key: string) => storage.get(key),
    remove: (key: string) => storage.remove(key),
  });
  const { id } = await ask(world);
  const runner = new BackupRunner({ ...world.recovery, storage: frozen, clock: () => new Date(0) });
  await runner.pass();
  await written.promise;
  const first = await world.db.backup.findUniqueOrThrow({ where: { id } });
  await runAll(world);
  isOver.resolve();
  await runner.settled();
  await runner.stop();

  const row = await world.db.backup.findUniqueOrThrow({ where: { id } });
  expect(row).toMatchObject({ state: "completed", proof: "checksums" });
  expect(row.storageKey).not.toBe(first.storageKey);
  expect(await sumOf(storage, row)).toEqual({ bytes: row.bytes, sha256: row.sha256 });
  expect(await keys()).toEqual([row.storageKey, companionKey(row.storageKey ?? "")]);
});

test("an archive that appears after its writer was killed goes when another try has made the backup", async () => {
  const { storage } = world.recovery;
  const row = await putArchive(world);
  await storage.put(otherKey(row.storageKey ?? ""), one(Buffer.from("of a try that was given up")));
  // It may be just being written: by whoever has claimed the backup.
  const claim = { runner: "another machine/1/x", heartbeatAt: new Date() };
  await world.db.backup.update({ where: { id: row.id }, data: claim });
  await reconcileStorage(world.recovery);
  expect(await keys()).toHaveLength(3);
  await world.db.backup.update({ where: { id: row.id }, data: { runner: null, heartbeatAt: null } });
  await reconcileStorage(world.recovery);
  expect(await keys()).toEqual([row.storageKey, companionKey(row.storageKey ?? "")]);
  expect(await world.db.backup.findMany()).toEqual([row]);
});

test("a copy of an archive goes, also when retention has let go of its backup; one of a backup whose archive failed stays", async () => {
  const row = await putArchive(world);
  await copyOf(row);
  await reconcileStorage(world.recovery);
  expect(await keys()).toHaveLength(2);

  await world.db.backup.update({ where: { id: row.id }, data: { proof: "failed" } });
  await copyOf(row);
  await reconcileStorage(world.recovery);
  expect(await keys()).toHaveLength(4);

  await world.db.backup.update({ where: { id: row.id }, data: { state: "deleted" } });
  await reconcileStorage(world.recovery);
  expect(await keys()).toHaveLength(2);
  expect(await world.db.backup.count()).toBe(1);
});

test("two archives of one backup that hold different things are two backups, and each can be chosen without Switchyard", async () => {
  const { storage } = world.recovery;
  const row = await putArchive(world);
  // Switchyard's database was brought back to before this backup was made, and made it again.
  const key = otherKey(row.storageKey ?? "");
  const companion = await readCompanion({ storage }, row.storageKey ?? "");
  if (!companion) throw new Error("there is no companion");
  await storage.put(key, await storage.get(row.storageKey ?? ""));
  const manifest = { ...companion.manifest, takenAt: "2026-01-01T00:00:00.000Z" };
  await writeCompanion({ storage }, key, { ...companion, manifest });
  await reconcileStorage(world.recovery);
  await reconcileStorage(world.recovery);
  const rows = await world.db.backup.findMany({ orderBy: { number: "asc" } });
  expect(rows).toMatchObject([
    { id: row.id, storageKey: row.storageKey },
    { storageKey: key, proof: "unverified" },
  ]);
  const archives = await listArchives(storage);
  expect(() => chooseArchive(archives, row.id)).toThrow(`2 backups are called ${row.id}: give the whole id, or one of backups/`);
  expect(chooseArchive(archives, key).manifest).toEqual(manifest);
});

/** The storage, with something that happens just before an object is asked for. */
function whenAsked(key: string, act: () => Promise<void>): ObjectStorage {
  const { storage } = world.recovery;
  return {
    name: storage.name,
    put: (...all) => storage.put(...all),
    get: async (...all) => {
      if (all[0] === key) await act();
      return storage.get(...all);
    },
    find: (...all) => storage.find(...all),
    list: (...all) => storage.list(...all),
    remove: (...all) => storage.remove(...all),
    removeUnfinished: (...all) => storage.removeUnfinished(...all),
  };
}

async function copyOf(row: Pick<Backup, "storageKey">): Promise<string> {
  const { storage } = world.recovery;
  const key = otherKey(row.storageKey ?? "");
  await storage.put(key, await storage.get(row.storageKey ?? ""));
  const companion = await readCompanion({ storage }, row.storageKey ?? "");
  if (companion) await writeCompanion({ storage }, key, companion);
  return key;
}

test("a copy that became the backup's archive since the storage was listed stays", async () => {
  const { storage } = world.recovery;
  const row = await putArchive(world);
  const key = await copyOf(row);
  let isMoved = false;
  const moving = whenAsked(companionKey(key), async () => {
    if (isMoved) return;
    isMoved = true;
    await world.db.backup.update({ where: { id: row.id }, data: { storageKey: key } });
    await removeArchive({ storage }, row);
  });
  await reconcileStorage({ ...world.recovery, storage: moving });
  expect(isMoved).toBe(true);
  expect(await keys()).toEqual([key, companionKey(key)]);
  const now = await world.db.backup.findUniqueOrThrow({ where: { id: row.id } });
  expect(await sumOf(storage, now)).toEqual({ bytes: row.bytes, sha256: row.sha256 });
  expect(now).toMatchObject({ storageKey: key, proof: "restored" });
});

test("who was thought dead while it sealed an archive anew finds its claim gone, and its backup keeps the old one", async () => {
  const { storage } = world.recovery;
  const row = await putArchive(world);
  const [newKey, signal] = [await generateKey(), new AbortController().signal];
  const keyring = await parseKeyring(`${newKey},${world.backupKey}`);
  let cleared = 0;
  // The clock of the one that clears is an hour ahead: to it every claim is dead.
  const ahead = { ...world.recovery, clock: () => new Date(Date.now() + 3_600_000) };
  const clearing: ObjectStorage = {
    ...whenAsked("", async () => {}),
    async put(key, source, ...rest) {
      const written = await storage.put(key, source, ...rest);
      if (key.endsWith(".manifest.json")) {
        await reconcileStorage(ahead);
        cleared += 1;
      }
      return written;
    },
  };
  const results = await resealArchives({ ...world.recovery, storage: clearing, keyring }, { signal, waitMs: 0 });
  expect(cleared).toBe(1);
  expect(results.map(({ outcome }) => outcome)).toEqual(["left"]);
  const now = await world.db.backup.findUniqueOrThrow({ where: { id: row.id } });
  expect(now).toMatchObject({ storageKey: row.storageKey, runner: null, keyId: row.keyId });
  expect(await sumOf(storage, now)).toEqual({ bytes: row.bytes, sha256: row.sha256 });
  expect(await keys()).toEqual([row.storageKey, companionKey(row.storageKey ?? "")]);
});

test("a backup is not moved to an archive that somebody has removed", async () => {
  const { storage } = world.recovery;
  const row = await putArchive(world);
  const keyring = await parseKeyring(`${await generateKey()},${world.backupKey}`);
  const losing: ObjectStorage = {
    ...whenAsked("", async () => {}),
    async put(key, source, ...rest) {
      const written = await storage.put(key, source, ...rest);
      if (key.endsWith(".manifest.json")) await storage.remove(key.slice(0, -".manifest.json".length));
      return written;
    },
  };
  const { signal } = new AbortController();
  const [result] = await resealArchives({ ...world.recovery, storage: losing, keyring }, { signal, waitMs: 0 });
  expect(result).toMatchObject({ outcome: "left", message: "What was written is not in the storage any more." });
  const now = await world.db.backup.findUniqueOrThrow({ where: { id: row.id } });
  expect(await sumOf(storage, now)).toEqual({ bytes: row.bytes, sha256: row.sha256 });
  expect(await keys()).toEqual([row.storageKey, companionKey(row.storageKey ?? "")]);
});
