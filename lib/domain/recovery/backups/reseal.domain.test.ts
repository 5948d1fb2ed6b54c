import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { keysIn } from "#lib/storage/test-contract.ts";
import { type Swift, startSwift } from "#lib/storage/test-swift.ts";
import { generateKey, type Keyring, parseKeyring } from "../archive/keyring.ts";
import { readArchive } from "../archive/open.ts";
import { bytesOf } from "../archive/test-archives.ts";
import { type RecoveryWorld, relayContents, startRecoveryWorld } from "../test-recovery.ts";
import { openArchive, readCompanion, removeArchive } from "./archives.ts";
import { commandBackup } from "./commands.ts";
import { applyRetention } from "./expire.ts";
import { savePlan } from "./plans.ts";
import { queueProof } from "./queue-proof.ts";
import { type Resealed, resealArchives } from "./reseal.ts";
import { as, make, runAll } from "./test-backups.ts";
import { putArchive, sumOf } from "./test-reseal.ts";

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

const { signal } = new AbortController();
const row = (id: string) => world.db.backup.findUniqueOrThrow({ where: { id } });
const outcomes = (results: Resealed[]) => results.map(({ backup, outcome }) => [backup?.number, outcome]);
const sealAnew = (options: object = {}) =>
  resealArchives({ ...world.recovery, keyring: during }, { signal, waitMs: 0, ...options });

const hasSwift = has("swift-proxy-server");

describe.each([
  { name: "a directory", isThere: true, start: async () => ({ storage: world.recovery.storage, stop: async () => {} }) },
  {
    name: `an S3-compatible store${hasSwift ? "" : " (skipped: this machine has no swift-proxy-server)"}`,
    isThere: hasSwift,
    start: async () => {
      const swift: Swift = await startSwift();
      return { storage: await swift.makeStorage("reseal", "prod"), stop: swift.stop };
    },
  },
])("in $name", ({ isThere, start }) => {
  test.skipIf(!isThere)(
    "every archive is brought to the present key, once, and nothing else of it changes",
    async () => {
      const { storage, stop } = await start();
      try {
        const before = [await putArchive(world, { storage }), await putArchive(world, { storage, bytes: 30_000_000 })];
        const context = { ...world.recovery, storage, keyring: during };
        expect(outcomes(await resealArchives(context, { signal }))).toEqual([
          [1, "resealed"],
          [2, "resealed"],
        ]);
        for (const old of before) {
          const now = await row(old.id);
          const sum = await sumOf(storage, now);
          const same = { state: "completed", proof: "restored", takenAt: old.takenAt, manifest: old.manifest, runner: null };
          expect(now).toMatchObject({ ...same, ...sum, keyId: after.keyId });
          expect(await openArchive({ storage, keyring: after }, now)).toEqual(old.manifest);
          const { keyId } = after;
          expect(await readCompanion({ storage }, now.storageKey ?? "")).toEqual({
            archive: { bytes: Number(sum.bytes), sha256: sum.sha256, keyId },
            manifest: old.manifest,
          });
          expect(await storage.find(old.storageKey ?? "")).toBeNull();
        }
        expect(await keysIn(storage, "")).toHaveLength(4);
        const keys = await keysIn(storage, "");
        expect(outcomes(await resealArchives(context, { signal }))).toEqual([
          [1, "sealed-before"],
          [2, "sealed-before"],
        ]);
        expect(await keysIn(storage, "")).toEqual(keys);
      } finally {
        await stop();
      }
    },
    120_000,
  );
});

test("it is audited, without secrets, and a real backup is proven and restored from afterwards by the new key alone", async () => {
  const { id, storageKey } = await make(world);
  await sealAnew();
  const now = await row(id);
  expect(await world.db.auditEntry.findFirst({ where: { verb: "re-seal" } })).toMatchObject({
    actorName: "Switchyard",
    targetUid: id,
    before: { storageKey, keyId: world.recovery.keyring.keyId },
    after: { storageKey: now.storageKey, keyId: after.keyId },
  });
  const body = { reason: "tried with the new key" };
  await commandBackup(world.context, { id, command: "prove", body, key: randomUUID() });
  await runAll({ recovery: { ...world.recovery, keyring: after } });
  expect(await row(id)).toMatchObject({ state: "completed", proof: "restored" });
});

test("a dry run says what it would do and writes nothing", async () => {
  const old = await putArchive(world);
  const keys = await keysIn(world.recovery.storage, "");
  expect(await sealAnew({ isDryRun: true })).toEqual([
    {
      backup: expect.objectContaining({ number: 1 }),
      key: old.storageKey,
      outcome: "due",
      message: `It is sealed by ${world.recovery.keyring.keyId}.`,
    },
  ]);
  expect(await row(old.id)).toEqual(old);
  expect(await keysIn(world.recovery.storage, "")).toEqual(keys);
});

test("a row that names another key than its archive's is set right", async () => {
  const { id } = await putArchive(world);
  await sealAnew();
  await world.db.backup.update({ where: { id }, data: { keyId: world.recovery.keyring.keyId } });
  expect(outcomes(await sealAnew())).toEqual([[1, "sealed-before"]]);
  expect((await row(id)).keyId).toBe(after.keyId);
});

test("an archive that no key opens, a damaged one and one that nobody knows are left as they are, and told; the others are done", async () => {
  const [strange, damaged, fine] = [await putArchive(world), await putArchive(world), await putArchive(world)];
  const other = await parseKeyring(await generateKey());
  const { storage } = world.recovery;
  const content = await readFile(join(world.folder, strange.storageKey ?? ""));
  await storage.put(strange.storageKey ?? "", other.seal(during.open(chunksOf(content))));
  const bytes = await readFile(join(world.folder, damaged.storageKey ?? ""));
  bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
  await writeFile(join(world.folder, damaged.storageKey ?? ""), bytes);
  await storage.put("backups/from-elsewhere.tar.age", chunksOf(content));

  const results = await sealAnew();
  expect(results.map(({ outcome, message }) => [outcome, message])).toEqual([
    ["left", `None of the keys opens it. It was sealed by ${world.recovery.keyring.keyId}.`],
    ["left", expect.stringContaining("bytes of it were changed")],
    ["resealed", expect.stringContaining("It lies at backups/fleet/relay/")],
    ["left", "The catalogue does not know it, so that it was not touched."],
  ]);
  expect(await readFile(join(world.folder, damaged.storageKey ?? ""))).toEqual(bytes);
  expect((await row(fine.id)).keyId).toBe(after.keyId);
  expect(await keysIn(storage, "")).toHaveLength(7);
  // What is damaged is found to be so by the controller.
  await runAll({ recovery: { ...world.recovery, keyring: during } });
  expect((await row(damaged.id)).proof).toBe("failed");
});

test("an archive that is being read is left for later, and so is one that another process works on", async () => {
  const { id, storageKey } = await putArchive(world);
  const order = { backupId: id, level: "checksums" as const, byName: "a test" };
  const proof = await world.db.$transaction((transaction) => queueProof(transaction, world.recovery, order));
  expect(outcomes(await sealAnew())).toEqual([[1, "left"]]);
  expect(await row(id)).toMatchObject({ storageKey, runner: null });
  expect(await keysIn(world.recovery.storage, "")).toHaveLength(2);
  await world.db.backupProofRun.delete({ where: { id: proof.id } });

  const claim = { runner: "elsewhere/1/a", heartbeatAt: new Date() };
  await world.db.backup.update({ where: { id }, data: claim });
  expect(outcomes(await sealAnew())).toEqual([[1, "left"]]);
  await world.db.backup.update({ where: { id }, data: { heartbeatAt: new Date(Date.now() - 60_000) } });
  expect(outcomes(await sealAnew())).toEqual([[1, "resealed"]]);
});

test("one that retention lets go of meanwhile needs nobody", async () => {
  const [first, second] = [await putArchive(world), await putArchive(world)];
  const { storage } = world.recovery;
  const results = await sealAnew({
    onResult: async ({ backup }: Resealed) => {
      if (backup?.number !== first.number) return;
      await world.db.backup.update({ where: { id: second.id }, data: { state: "deleted" } });
      await removeArchive({ storage }, second);
    },
  });
  expect(outcomes(results)).toEqual([
    [1, "resealed"],
    [2, "gone"],
  ]);
  expect(await world.db.backupProofRun.count()).toBe(0);
});

test("while one is sealed anew retention and commands leave it alone", async () => {
  const [old, newest] = [await putArchive(world), await putArchive(world)];
  const retention = { keepLast: 1, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 };
  const plan = { contents: relayContents, cron: null, proveCron: null, retention, reason: "one is enough" };
  await savePlan(as(world, "admin"), { subject: "fleet/relay", body: plan });
  const at = new Date();
  await world.db.backup.update({ where: { id: old.id }, data: { runner: "elsewhere/1/a", heartbeatAt: at } });
  await applyRetention(world.recovery);
  expect((await row(old.id)).state).toBe("completed");
  const request = { id: old.id, command: "delete", body: { reason: "not needed" }, key: randomUUID() };
  await expect(commandBackup(as(world, "admin"), request)).rejects.toThrow("is being sealed with another key now");
  await world.db.backup.update({ where: { id: old.id }, data: { runner: null, heartbeatAt: null } });
  await applyRetention(world.recovery);
  expect((await row(old.id)).state).toBe("deleted");
  expect((await row(newest.id)).state).toBe("completed");
  await world.db.backupPlan.deleteMany();
});

test("a key that was taken away too early proves nothing against what it sealed", async () => {
  const { id } = await make(world);
  const body = { reason: "tried without the old key" };
  await commandBackup(world.context, { id, command: "verify", body, key: randomUUID() });
  await runAll({ recovery: { ...world.recovery, keyring: after } });
  expect(await row(id)).toMatchObject({ state: "completed", proof: "checksums" });
  expect(await world.db.backupProofRun.findFirst({ where: { backupId: id, state: "failed" } })).toMatchObject({
    message: expect.stringContaining("is none of the keys any more: put its key behind the present one"),
  });
});

test("the archive is the same to the byte under its new seal", async () => {
  const old = await putArchive(world);
  const sealed = await readFile(join(world.folder, old.storageKey ?? ""));
  await sealAnew();
  const now = await readFile(join(world.folder, (await row(old.id)).storageKey ?? ""));
  const plain = (keyring: Keyring, content: Buffer) => bytesOf(keyring.open(chunksOf(content)));
  expect((await plain(after, now)).equals(await plain(world.recovery.keyring, sealed))).toBe(true);
  await expect(readArchive({ content: chunksOf(now), keyring: world.recovery.keyring })).rejects.toThrow("None of the keys");
});

async function* chunksOf(content: Uint8Array) {
  yield content;
}

function has(program: string): boolean {
  try {
    execFileSync("which", [program]);
    return true;
  } catch {
    return false;
  }
}
