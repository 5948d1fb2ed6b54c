import { type ChildProcess, fork } from "node:child_process";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ask } from "#lib/domain/recovery/backups/test-backups.ts";
import { type RecoveryWorld, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { type EndedBackup, forkRecovery, RecoveryProcess } from "./recovery-process.ts";

/** The recovery process as the controller keeps it, beside a real PostgreSQL and a real API server. */

let world: RecoveryWorld;
let recovery: RecoveryProcess;
let told: EndedBackup[];

beforeEach(async () => {
  world = await startRecoveryWorld();
  const folder = dirname(world.folder);
  const env = {
    DATABASE_URL: world.recovery.ownDatabaseUrl,
    SWITCHYARD_KUBECONFIG: world.cluster.kubeconfig,
    SWITCHYARD_ENCRYPTION_KEY: "the-key-of-a-test-that-seals-nothing-0123456789",
    SWITCHYARD_BACKUP_STORAGE: pathToFileURL(join(folder, "storage")).href,
    SWITCHYARD_BACKUP_KEYS: world.backupKey,
    SWITCHYARD_WORK_DIR: join(folder, "work"),
    LOG_LEVEL: "fatal",
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  told = [];
  recovery = new RecoveryProcess(world.recovery, { onEnded: (backup) => told.push(backup) });
}, 60_000);
afterEach(async () => {
  await recovery.stop();
  vi.unstubAllEnvs();
  await world.stop();
}, 60_000);

function row(id: string) {
  return world.db.backup.findUniqueOrThrow({ where: { id } });
}

/** The backup that waits is begun; its dump waits for a lock. */
async function beginBackup(): Promise<{ id: string; pid: number }> {
  await world.query("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE");
  const { id } = await ask(world);
  await recovery.pass();
  const { runner } = await until("the backup is begun", async () => {
    const backup = await row(id);
    return backup.runner ? backup : null;
  });
  return { id, pid: Number(runner?.split("/")[1]) };
}

test("makes what waits in another process, and tells of it", async () => {
  const { id, pid } = await beginBackup();
  expect(pid).not.toBe(process.pid);
  await world.query("ROLLBACK");
  await until("the backup is told of", async () => told.length > 0 || null);
  expect(told).toEqual([{ namespace: "fleet", service: "relay", result: "completed" }]);
  expect(await row(id)).toMatchObject({ state: "completed", proof: "checksums" });
});

test("says that it was killed, and another one goes on", async () => {
  const { id, pid } = await beginBackup();
  process.kill(pid, "SIGKILL");
  await world.query("ROLLBACK");
  const said = await until("its end is told", () => recovery.pass().then(() => null, String));
  expect(said).toContain("was ended by SIGKILL");
  await until("another one has made it", async () => {
    await recovery.pass();
    return (await row(id)).state === "completed" || null;
  });
});

test("gives back what it has under way when it is stopped, by a signal to both of them, too", async () => {
  const { id, pid } = await beginBackup();
  process.kill(pid, "SIGTERM");
  await recovery.stop();
  expect(await row(id)).toMatchObject({ state: "queued", runner: null });
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  await world.query("ROLLBACK");
});

test("a process that cannot be started is told of at each pass, and ends nobody else", async () => {
  const cannot = new RecoveryProcess(world.recovery, {
    onEnded: () => {},
    fork: () => fork("nothing", { execPath: "/nonexistent/node" }),
  });
  await until("it is told of", () => cannot.pass().then(() => null, String));
  await expect(cannot.pass()).rejects.toThrow("could not be started: spawn /nonexistent/node ENOENT");
  await cannot.stop();
});

test("ends when nothing has been open for a while, and is started again when something is", async () => {
  const lived: ChildProcess[] = [];
  const kept = () => {
    const child = forkRecovery();
    lived.push(child);
    return child;
  };
  recovery = new RecoveryProcess(world.recovery, { onEnded: (backup) => told.push(backup), idleMs: 1_500, fork: kept });
  await until("it has ended", async () => {
    await recovery.pass();
    return lived[0]?.exitCode ?? null;
  });
  const { id } = await ask(world);
  await until("another one has made what came then", async () => {
    await recovery.pass();
    return (await row(id)).state === "completed" || null;
  });
  expect(lived.map(({ exitCode }) => exitCode)).toEqual([0, null]);
});
