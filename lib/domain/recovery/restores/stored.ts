import { z } from "zod";
import type { Prisma } from "#lib/database/client.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { type RestoreRun, viewSteps } from "./run.ts";
import type { RestoreMode, RestoreView } from "./schemas.ts";

/** What a restore is read with. */
export const restoreParts = { backup: true } as const satisfies Prisma.RestoreInclude;
export type StoredRestore = Prisma.RestoreGetPayload<{ include: typeof restoreParts }>;

export function runOf({ run }: Pick<StoredRestore, "run">): RestoreRun {
  return run as unknown as RestoreRun;
}

export function modeOf({ mode }: Pick<StoredRestore, "mode">): RestoreMode {
  return mode as RestoreMode;
}

export function partsOf({ parts }: Pick<StoredRestore, "parts">): string[] {
  return z.array(z.string()).parse(parts);
}

/** How people call it. */
export function restoreName({ number }: { number: number }): string {
  return `Restore ${number}`;
}

/** A restore as pages and scripts see it. */
export function viewRestore(row: StoredRestore, safetyBackup: { id: string; number: number } | null): RestoreView {
  const iso = (at: Date | null) => at?.toISOString() ?? null;
  const { id, number, takenAt } = row.backup;
  return {
    id: row.id,
    number: row.number,
    backup: { id, number, takenAt: iso(takenAt) },
    safetyBackup,
    subject: row.subject,
    namespace: row.namespace,
    service: row.service,
    mode: modeOf(row),
    intoNamespace: row.intoNamespace,
    parts: partsOf(row),
    untilTime: runOf(row).untilTime ?? null,
    reason: row.reason,
    requestedBy: row.requestedByName,
    state: row.state,
    message: row.message,
    steps: viewSteps(runOf(row)),
    checks: (row.checks ?? []) as RecoveryCheck[],
    createdAt: row.createdAt.toISOString(),
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
  };
}
