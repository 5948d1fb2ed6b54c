import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Context } from "../../context.ts";
import { companionKey } from "../archive/manifest.ts";
import { documentRows, type RecoveryWorld, relayContents, startRecoveryWorld } from "../test-recovery.ts";
import { claimBackup } from "./claim.ts";
import { commandBackup } from "./commands.ts";
import { readBackupFigures } from "./figures.ts";
import { getBackup, listBackups } from "./queries.ts";
import { proveByRestore } from "./restore-proof.ts";
import { BackupRunner } from "./runner.ts";
import { as, ask, make, runAll } from "./test-backups.ts";

let world: RecoveryWorld;
beforeAll(async () => {
  world = await startRecoveryWorld();
});
afterAll(() => world?.stop());
afterEach(async () => {
  world.setClock(null);
  await world.db.backup.deleteMany();
});

const command = (id: string, name: string, context: Context = world.context) =>
  commandBackup(context, { id, command: name, body: { reason: "decided in a test" }, key: randomUUID() });
const archiveOf = (key: string | null) => join(world.folder, key ?? "");

test("a backup holds the service's database and objects, is read back, and says what is in it", async () => {
  const { id } = await make(world);
  const { backup, parts, files, proofs, progress, keptFor, storageKey } = await getBackup(world.context, id);
  expect(backup).toMatchObject({
    state: "completed",
    proof: "checksums",
    message: "Saved, and read back without a fault.",
    subject: "fleet/relay",
    requestedBy: "olga",
    isActive: false,
    storage: world.recovery.storage.name,
    keyId: world.recovery.keyring.keyId,
  });
  expect(Date.parse(backup.takenAt ?? "")).toBeGreaterThanOrEqual(Date.parse(backup.startedAt ?? ""));
  expect(parts.map(({ name }) => name)).toEqual(["postgres", "objects"]);
  expect(parts[0]?.facts).toContainEqual({
    label: "public.documents",
    value: `${documentRows} rows, highest id ${documentRows}`,
  });
  expect(parts[1]?.facts).toContainEqual({ label: "Deployment", value: "relay" });
  expect(files.length).toBe(parts.reduce((sum, part) => sum + part.files, 0));
  expect(progress).toMatchObject([
    { name: "postgres", state: "done" },
    { name: "objects", state: "done" },
  ]);
  expect(proofs).toMatchObject([{ level: "checksums", state: "passed" }]);
  expect(proofs[0]?.checks.every(({ passed }) => passed)).toBe(true);
  expect(keptFor).toContain("the newest verified one");
  const beside = JSON.parse(await readFile(archiveOf(companionKey(storageKey ?? "")), "utf8"));
  expect(beside).toMatchObject({
    archive: { bytes: backup.bytes },
    manifest: { id, subject: "fleet/relay", contents: relayContents },
  });
  expect(JSON.stringify(beside)).not.toContain("postgresql://");
});

test("a request is done once for its key and audited; a second one waits for nobody, and viewers may not", async () => {
  const key = randomUUID();
  const first = await ask(world, { key });
  expect((await ask(world, { key })).id).toBe(first.id);
  await expect(ask(world, { key, reason: "another reason" })).rejects.toMatchObject({ code: "idempotency-conflict" });
  await expect(ask(world)).rejects.toMatchObject({
    code: "precondition-failed",
    message: `Backup ${first.number} of fleet/relay is being made already: wait for it, or cancel it.`,
  });
  await expect(ask(world, { context: as(world, "viewer") })).rejects.toMatchObject({ code: "not-permitted" });
  const nothing = { postgres: null, redis: null, objects: false, logHours: null };
  await expect(ask(world, { contents: nothing })).rejects.toMatchObject({ code: "precondition-failed" });
  expect(await world.db.auditEntry.findMany({ where: { targetUid: first.id } })).toMatchObject([
    { verb: "back-up", targetKind: "backup", targetNamespace: "fleet", reason: "asked for in a test", actorName: "olga" },
  ]);
});

test("of two requests at the same time one is made", async () => {
  const answers = await Promise.allSettled([ask(world), ask(world), ask(world)]);
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await world.db.backup.count()).toBe(1);
});

test("a part that cannot be saved leaves a backup in part, which counts as failing; the rest can be restored", async () => {
  const { id, state, proof, message } = await make(world, {
    contents: { ...relayContents, postgres: { address: { secret: "nobody-knows", key: "url" }, tables: null } },
  });
  expect({ state, proof }).toEqual({ state: "partial", proof: "checksums" });
  expect(message).toMatch(/^Saved, and read back without a fault\. PostgreSQL is missing: .*nobody-knows/);
  const { parts, keptFor } = await getBackup(world.context, id);
  expect(parts.map(({ name }) => name)).toEqual(["objects"]);
  expect(keptFor).toEqual([]);
  expect(await readBackupFigures(world.recovery)).toMatchObject([
    { service: "relay", isFailing: true, lastVerifiedSeconds: null },
  ]);
});

test("a backup of which nothing could be saved has failed and leaves nothing in the storage", async () => {
  const { state, proof, message, storageKey } = await make(world, {
    contents: { ...relayContents, objects: false, postgres: { address: { secret: "nobody-knows", key: "url" }, tables: null } },
  });
  expect({ state, proof }).toEqual({ state: "failed", proof: "unverified" });
  expect(message).toMatch(/^Nothing could be saved\. PostgreSQL: .*nobody-knows/);
  expect(await world.recovery.storage.find(storageKey ?? "")).toBeNull();
});

test("one that is restored into scratch answers there as the saved one did", async () => {
  const { id } = await make(world);
  await command(id, "prove");
  await runAll(world);
  const { backup, proofs } = await getBackup(world.context, id);
  expect(backup).toMatchObject({ state: "completed", proof: "restored" });
  expect(proofs[0]).toMatchObject({ level: "restored", state: "passed", requestedBy: "olga", durationMs: expect.any(Number) });
  expect(proofs[0]?.checks).toContainEqual(
    expect.objectContaining({ wanted: expect.stringContaining(String(documentRows)), passed: true }),
  );
  // Reading it back afterwards takes nothing from that.
  await command(id, "verify");
  await runAll(world);
  expect((await getBackup(world.context, id)).backup.proof).toBe("restored");
});

test("an action item is proven by a restore since its incident, which is begun when there was none", async () => {
  const prove = () => proveByRestore(world.context, "fleet/relay", { impactStartedAt: new Date(0), resolvedAt: begun });
  const begun = new Date();
  expect(await prove()).toMatchObject({ verdict: "unknown", message: expect.stringContaining("There is no verified backup") });
  const { number } = await make(world);
  const message = `Backup ${number} of fleet/relay is being restored into scratch now: close it when that has ended.`;
  expect(await prove()).toEqual({ verdict: "unknown", message });
  expect(await prove()).toMatchObject({ verdict: "unknown" });
  expect(await world.db.backupProofRun.count({ where: { level: "restored" } })).toBe(1);
  await runAll(world);
  expect(await prove()).toMatchObject({
    verdict: "passed",
    message: expect.stringMatching(/restored into scratch .*: All \d+ checks passed\.$/),
  });
});

test("an archive that was changed is found when it is read back, and counts no more", async () => {
  const { id, storageKey } = await make(world);
  const content = await readFile(archiveOf(storageKey));
  const middle = Math.floor(content.length / 2);
  content[middle] = (content[middle] ?? 0) ^ 1;
  await writeFile(archiveOf(storageKey), content);
  await command(id, "verify");
  await runAll(world);
  const { backup, proofs, keptFor } = await getBackup(world.context, id);
  expect(backup).toMatchObject({ state: "completed", proof: "failed" });
  expect(proofs[0]).toMatchObject({ state: "failed", message: expect.stringContaining("Archive: wanted opens") });
  expect(keptFor).toEqual([]);
  expect(await readBackupFigures(world.recovery)).toMatchObject([{ isFailing: true, lastVerifiedSeconds: null }]);
});

test("a storage that does not answer proves nothing, neither way", async () => {
  const { id } = await make(world);
  await command(id, "verify");
  const elsewhere = { ...world.recovery, storage: { ...world.recovery.storage, name: "file:///elsewhere" } };
  await runAll({ recovery: elsewhere });
  const { backup, proofs } = await getBackup(world.context, id);
  expect(backup).toMatchObject({ proof: "checksums" });
  expect(proofs[0]).toMatchObject({
    state: "failed",
    message: expect.stringMatching(
      /^It could not be carried out: Backup \d+ lies in file:.*, and Switchyard uses file:\/\/\/elsewhere now/,
    ),
  });
});

test("one that waits is cancelled at once, one that is made within seconds; what is over is not", async () => {
  const waiting = await ask(world);
  expect(await command(waiting.id, "cancel")).toMatchObject({ backup: { state: "failed", message: "Cancelled by olga." } });
  await runAll(world);
  expect((await getBackup(world.context, waiting.id)).backup.startedAt).toBeNull();

  await world.query("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE");
  const running = await ask(world);
  const runner = new BackupRunner(world.recovery);
  await runner.pass();
  await command(running.id, "cancel");
  await runner.settled();
  await world.query("ROLLBACK");
  const { backup, storageKey } = await getBackup(world.context, running.id);
  expect(backup).toMatchObject({ state: "failed", message: "Cancelled by olga.", isActive: false });
  expect(await world.recovery.storage.find(storageKey ?? "")).toBeNull();
  await expect(command(running.id, "cancel")).rejects.toMatchObject({ code: "precondition-failed" });
  // People called it off: nothing fails.
  expect(await readBackupFigures(world.recovery)).toEqual([]);
});

test("a process that stops gives back what it makes, and the next one makes it", async () => {
  await world.query("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE");
  const { id } = await ask(world);
  const first = new BackupRunner(world.recovery);
  await first.pass();
  await first.stop();
  expect((await getBackup(world.context, id)).backup).toMatchObject({ state: "queued", isActive: false });
  await world.query("ROLLBACK");
  await runAll(world);
  expect((await getBackup(world.context, id)).backup).toMatchObject({ state: "completed", proof: "checksums" });
});

test("one of a subject is made at a time, however many wait", async () => {
  await world.query("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE");
  const first = await ask(world);
  const runner = new BackupRunner(world.recovery);
  await runner.pass();
  await world.db.backup.create({
    data: {
      subject: "fleet/relay",
      namespace: "fleet",
      service: "relay",
      purpose: "scheduled",
      contents: relayContents,
      reason: "Schedule",
      requestedByKind: "system",
      requestedByName: "Switchyard",
      message: "It waits to be made.",
      createdAt: new Date(),
    },
  });
  expect(await claimBackup(world.recovery, "another process")).toBeNull();
  await world.query("ROLLBACK");
  await runner.settled();
  await runAll(world);
  const { items } = await listBackups(world.context, { subject: "fleet/relay" });
  expect(items.map(({ id, state }) => [id === first.id, state])).toEqual([
    [false, "completed"],
    [true, "completed"],
  ]);
});

test("what a killed process left is taken over when its heartbeat is old: an archive that is whole is not made again", async () => {
  const made = await make(world);
  const written = await world.recovery.storage.find(made.storageKey ?? "");
  // As it is between the end of the archive and the word of it.
  await world.db.backup.update({
    where: { id: made.id },
    data: {
      ...{
        state: "running",
        proof: "unverified",
        runner: "gone",
        activeKey: made.subject,
        heartbeatAt: new Date(Date.now() - 10_000),
      },
      ...{ bytes: null, sha256: null, takenAt: null, finishedAt: null },
    },
  });
  await world.db.$executeRaw`UPDATE backups SET manifest = NULL WHERE id = ${made.id}::uuid`;
  expect(await claimBackup(world.recovery, "too early")).toBeNull();
  await world.db.backup.update({ where: { id: made.id }, data: { heartbeatAt: new Date(Date.now() - 60_000) } });
  await runAll(world);
  const again = await world.db.backup.findUniqueOrThrow({ where: { id: made.id } });
  expect(again).toMatchObject({
    state: "completed",
    proof: "checksums",
    bytes: made.bytes,
    sha256: made.sha256,
    takenAt: made.takenAt,
  });
  expect(again.manifest).toEqual(made.manifest);
  expect(await world.recovery.storage.find(made.storageKey ?? "")).toEqual(written);
});

test("one whose process ends each time is given up", async () => {
  const { id } = await ask(world);
  const dead = { state: "running" as const, runner: "gone", heartbeatAt: new Date(0), activeKey: "fleet/relay" };
  await world.db.backup.update({ where: { id }, data: { ...dead, progress: { attempt: 3, parts: [] } } });
  await runAll(world);
  expect((await getBackup(world.context, id)).backup).toMatchObject({
    state: "failed",
    message: expect.stringContaining("It was begun 3 times"),
    isActive: false,
  });
});

test("only administrators delete, and never the newest verified one, a pinned one, or one that is read now", async () => {
  const admin = as(world, "admin");
  const older = await make(world);
  const newer = await make(world);
  await expect(command(older.id, "delete")).rejects.toMatchObject({ code: "not-permitted" });
  await expect(command(newer.id, "delete", admin)).rejects.toMatchObject({
    message: `Backup ${newer.number} is the newest verified one of fleet/relay: make another one first.`,
  });
  await command(older.id, "pin");
  await expect(command(older.id, "delete", admin)).rejects.toMatchObject({ message: expect.stringContaining("unpin it first") });
  await command(older.id, "unpin");
  await command(older.id, "verify");
  await expect(command(older.id, "delete", admin)).rejects.toMatchObject({ message: expect.stringContaining("proven now") });
  await runAll(world);
  expect(await command(older.id, "delete", admin)).toMatchObject({ backup: { state: "deleting" } });
});
