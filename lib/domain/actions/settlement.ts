import type { AuditEntry } from "#lib/database/generated/client.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { findWorkload } from "../fleet/fresh.ts";
import { judgeBreakers } from "./breaker-action.ts";
import { type AuditedAfter, settleDone, settleEnded } from "./ledger.ts";
import { isInPlace, type Plan, type Snapshot, takeSnapshot } from "./plan.ts";
import { type ActionVerb, actionSchemas, isBreakerVerb } from "./schemas.ts";

/** What became of an action whose process did not tell. */
export type Verdict = { kind: "done"; intended: Plan["intended"]; generation: number } | { kind: "ended"; error: DomainError };

// Longer than any request takes from its row to its last write.
const abandonedAfterMs = 60_000;

/** Looks at the world to tell whether a pending action was written. Throws kubernetes-unavailable when it cannot be asked. */
export async function judgePending(context: Pick<Context, "kubernetes">, entry: AuditEntry): Promise<Verdict> {
  if (isBreakerVerb(entry.verb as ActionVerb)) {
    const judged = await judgeBreakers(context, entry);
    if (judged !== "done") return { kind: "ended", error: judged };
    const { generation } = entry.before as Snapshot;
    return { kind: "done", intended: (entry.after as AuditedAfter).intended, generation };
  }
  const { kubernetes } = context;
  const ref = { namespace: entry.targetNamespace ?? "", name: entry.targetName };
  return judgeWorld(entry, await findWorkload(kubernetes, ref));
}

/** The same, on what was read: the generation tells whether anything was written, the values whether it was this. */
export function judgeWorld(
  entry: Pick<AuditEntry, "targetUid" | "verb" | "before" | "after">,
  workload: Workload | null,
): Verdict {
  const before = entry.before as Snapshot;
  const { intended } = entry.after as AuditedAfter;
  if (!workload || workload.metadata.uid !== entry.targetUid)
    return ended("The workload is gone; whether this was written is not known.");
  const now = takeSnapshot(workload, []);
  if (now.generation === before.generation)
    return ended(notWritten[entry.verb] ?? "Switchyard stopped before the change was written. Nothing was changed.");
  if (isInPlace(intended, now)) return { kind: "done", intended, generation: now.generation };
  return ended("Switchyard stopped while writing, and the service was changed by others since; look at it before you try again.");
}

// What was done before the write that did not come.
const notWritten: Record<string, string> = {
  "fail-over":
    "Switchyard stopped before the service was restarted. The replica may be the primary already, and the former one read-only: fail over again, what is done is not done twice.",
};

function ended(message: string): Verdict {
  return { kind: "ended", error: new DomainError("precondition-failed", message) };
}

/** Settles the actions that a crashed process left pending; several controllers may do it at once. Returns how many it settled. */
export async function settleAbandoned(context: Pick<Context, "db" | "clock" | "kubernetes" | "logger">): Promise<number> {
  const { db, clock } = context;
  const abandoned = await db.auditEntry.findMany({
    where: {
      targetKind: "service",
      verb: { in: Object.keys(actionSchemas) },
      outcome: "pending",
      at: { lt: new Date(clock().getTime() - abandonedAfterMs) },
    },
    orderBy: { at: "asc" },
    take: 100,
  });
  let settled = 0;
  for (const entry of abandoned) {
    const verdict = await judgePending(context, entry).catch((error: unknown) => {
      context.logger.warn({ err: error, audit: entry.id }, "what became of an action cannot be told yet");
      return null;
    });
    if (verdict?.kind === "done") await settleDone(context, entry, verdict.intended, verdict.generation);
    if (verdict?.kind === "ended") await settleEnded(context, entry, verdict.error);
    if (verdict) settled += 1;
  }
  return settled;
}
