import type { Backup, Prisma } from "#lib/database/generated/client.ts";
import type { BackupState } from "./schemas.ts";

/** It is made, or waits for that. */
export const openStates = ["queued", "running", "verifying"] as const satisfies BackupState[];

/**
 * Wholly made and shown to be whole, as a condition on rows: what counts for retention. A partial one lacks a part; it
 * can be restored from all the same.
 */
export const goodBackups = { state: "completed" as const, proof: { in: ["checksums" as const, "restored" as const] } };

/** What is counted on: a copy of what a restore has replaced holds what was not wanted any more. */
export const countedBackups = {
  ...goodBackups,
  purpose: { not: "before_restore" },
  takenAt: { not: null },
} satisfies Prisma.BackupWhereInput;

/** Whether all of it was saved, and its archive was read back without a fault. */
export function isGood({ state, proof }: Pick<Backup, "state" | "proof">): boolean {
  return state === "completed" && isProven(proof);
}

/** Whether what it holds can be restored: its archive was read back without a fault, though a part may be missing. */
export function isRestorable({ state, proof }: Pick<Backup, "state" | "proof">): boolean {
  return (state === "completed" || state === "partial") && isProven(proof);
}

/** Whether there is nothing more to wait for. */
export function hasEnded({ state }: Pick<Backup, "state">): boolean {
  return !(openStates as readonly string[]).includes(state);
}

/** How people and audit entries call it. */
export function backupName({ number }: Pick<Backup, "number">): string {
  return `Backup ${number}`;
}

function isProven(proof: Backup["proof"]): boolean {
  return proof === "checksums" || proof === "restored";
}
