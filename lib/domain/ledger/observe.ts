import { randomUUID } from "node:crypto";
import type { Workload } from "#lib/kubernetes/objects.ts";
import type { AuditedAfter } from "../actions/ledger.ts";
import { type Snapshot, takeSnapshot } from "../actions/plan.ts";
import { writeAudit } from "../audit.ts";
import { findAutoscaler } from "../autoscaling/owner.ts";
import { type Context, isUniqueViolation, transact } from "../context.ts";
import { listManagedWorkloads } from "../fleet/fresh.ts";
import { describeExternalChange, type ExternalChange } from "./external.ts";
import { readOwnGenerations } from "./own-changes.ts";
import { type OwnAction, spansOfOthers } from "./spans-of-others.ts";

type ObserverContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

/** An autoscaler that scaled within this time is who did it. */
const autoscalerWindowMs = 60_000;

/**
 * Looks at every managed workload once and records in the audit what was changed since the last look without an action or a rollout
 * of Switchyard's: by kubectl, an autoscaler, another tool. The workload's generation is the key of the row, so that two controllers
 * record a change once. A workload that is seen for the first time is only remembered.
 */
export async function observeWorkloads(context: ObserverContext): Promise<void> {
  const workloads = await listManagedWorkloads(context.kubernetes);
  const known = await context.db.observedWorkload.findMany({
    where: { uid: { in: workloads.map(({ metadata }) => metadata.uid) } },
  });
  const byUid = new Map(known.map((row) => [row.uid, row]));
  for (const workload of workloads) {
    const before = byUid.get(workload.metadata.uid);
    const after = takeSnapshot(workload, []);
    if (!before) await remember(context, workload, after);
    else if (before.generation < after.generation) await record(context, workload, before.snapshot as Snapshot, after);
  }
}

async function remember({ db, clock }: ObserverContext, { metadata }: Workload, snapshot: Snapshot): Promise<void> {
  const row = { generation: snapshot.generation, snapshot, observedAt: clock() };
  await db.observedWorkload.upsert({ where: { uid: metadata.uid }, create: { uid: metadata.uid, ...row }, update: row });
}

async function record(context: ObserverContext, workload: Workload, before: Snapshot, after: Snapshot): Promise<void> {
  const own = await findOwnActions(context, workload, { after: before.generation, until: after.generation });
  // Its write is done or not, and its row will say so soon.
  if (own === "pending") return;
  for (const span of spansOfOthers({ before, after }, own, new Set(readOwnGenerations(workload)))) {
    const autoscaler = span.before.replicas === span.after.replicas ? null : await findScaler(context, workload);
    const change = describeExternalChange(span.before, span.after, workload, autoscaler);
    await writeChange(context, workload, { ...span, change });
  }
  await remember(context, workload, after);
}

/** The actions of Switchyard's within a span of generations, the first one first; "pending" while one is under way. */
async function findOwnActions(
  { db }: ObserverContext,
  workload: Workload,
  { after, until }: { after: number; until: number },
): Promise<OwnAction[] | "pending"> {
  const entries = await db.auditEntry.findMany({
    where: { targetUid: workload.metadata.uid, actorKind: { not: "external" }, outcome: { in: ["pending", "succeeded"] } },
    orderBy: { at: "desc" },
    select: { outcome: true, before: true, after: true },
    take: 50,
  });
  if (entries.some(({ outcome }) => outcome === "pending")) return "pending";
  return entries
    .map((entry) => {
      const { generation = null, intended = {} } = (entry.after ?? {}) as Partial<AuditedAfter>;
      return { before: entry.before as Snapshot | null, intended, generation: generation ?? 0 };
    })
    .filter(({ generation }) => generation > after && generation <= until)
    .toSorted((a, b) => a.generation - b.generation);
}

/** The autoscaler that has just set the number of instances, by name. */
async function findScaler({ kubernetes, clock }: ObserverContext, workload: Workload): Promise<string | null> {
  const owner = await findAutoscaler(kubernetes, workload);
  const scaledAt = Date.parse(owner?.status?.lastScaleTime ?? "");
  return owner && clock().getTime() - scaledAt < autoscalerWindowMs ? owner.metadata.name : null;
}

type Recorded = { before: Snapshot; after: Snapshot; change: ExternalChange };

async function writeChange(context: ObserverContext, { metadata }: Workload, { before, after, change }: Recorded): Promise<void> {
  const now = context.clock();
  const actor = { kind: "external", id: null, name: change.actor } as const;
  const clock = () => (change.at && change.at < now ? change.at : now);
  const intended: AuditedAfter["intended"] = after;
  try {
    await transact(context, (transaction) =>
      writeAudit(
        transaction,
        { actor, clock, requestId: randomUUID() },
        {
          verb: change.verb,
          targetKind: "service",
          targetNamespace: metadata.namespace ?? null,
          targetName: metadata.name,
          targetUid: metadata.uid,
          before,
          after: { intended, message: "Changed outside Switchyard.", generation: after.generation },
          reason: change.reason,
          outcome: "succeeded",
          idempotencyKey: `external:${metadata.uid}:${after.generation}`,
        },
      ),
    );
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
}
