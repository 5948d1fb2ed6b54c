import { randomUUID } from "node:crypto";
import type { Backup } from "#lib/database/generated/client.ts";
import { testContext } from "../../actions/test-fleet.ts";
import type { Context } from "../../context.ts";
import { type RecoveryWorld, relayContents } from "../test-recovery.ts";
import { createBackup } from "./queue.ts";
import { BackupRunner } from "./runner.ts";

/** Lets a process of its own make and prove what waits, to its end. */
export async function runAll({ recovery }: Pick<RecoveryWorld, "recovery">): Promise<void> {
  const runner = new BackupRunner(recovery);
  do await runner.pass();
  while (await settledSome(runner, recovery));
}

async function settledSome(runner: BackupRunner, { db }: RecoveryWorld["recovery"]): Promise<boolean> {
  await runner.settled();
  const open = await db.backup.count({ where: { state: { in: ["queued", "running", "verifying"] } } });
  return open + (await db.backupProofRun.count({ where: { state: { in: ["queued", "running"] } } })) > 0;
}

export type Wish = { context?: Context; contents?: object; subject?: string; key?: string; reason?: string };

/** Asks for a backup, of fleet/relay unless another one is named. */
export function ask(world: RecoveryWorld, { context = world.context, key, ...body }: Wish = {}) {
  return createBackup(context, {
    body: { subject: "fleet/relay", contents: relayContents, reason: "asked for in a test", ...body },
    key: key ?? randomUUID(),
  });
}

/** Asks for a backup and lets it be made; resolves to its row. */
export async function make(world: RecoveryWorld, wish: Wish = {}): Promise<Backup> {
  const { id } = await ask(world, wish);
  await runAll(world);
  return world.db.backup.findUniqueOrThrow({ where: { id } });
}

/** Somebody with another role. */
export function as(world: RecoveryWorld, role: "viewer" | "admin"): Context {
  return testContext(
    { db: world.db, kubernetes: world.kubernetes, clock: world.context.clock },
    { role, name: role === "admin" ? "ada" : "vera" },
  );
}
