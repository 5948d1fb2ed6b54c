import type { Rollout } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { type Context, isUniqueViolation, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { describeAbout } from "../../fleet/about.ts";
import { findWorkload } from "../../fleet/fresh.ts";
import { announceRolloutEnd } from "../../notifications/announce.ts";
import { startRun } from "../engine/compile-steps.ts";
import type { Strategy } from "../strategy.ts";
import type { PreflightRecord } from "./start-schemas.ts";
import { type RolloutTarget, renewTarget } from "./target.ts";
import { activeKeyOf, describeAhead, listWaits, overriddenBy } from "./waits.ts";

type QueueContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

const by = "Switchyard";

/**
 * Looks at the oldest rollout that waits of each service, and lets those begin that nothing keeps back any more. A row changes only
 * from the state that was read, and one service has one active rollout by its key, so that two controllers may do it at once.
 * Returns how many began.
 */
export async function promoteQueued(context: QueueContext): Promise<number> {
  const queued = await context.db.rollout.findMany({
    where: { state: "queued" },
    orderBy: [{ startedAt: "asc" }, { id: "asc" }],
    select: { id: true, namespace: true, service: true, message: true },
  });
  let begun = 0;
  for (const [first, ...behind] of Map.groupBy(queued, ({ namespace, service }) => `${namespace}/${service}`).values()) {
    if (!first) continue;
    try {
      const rollout = await context.db.rollout.findUnique({ where: { id: first.id } });
      if (rollout?.state !== "queued") continue;
      if (await promote(context, rollout)) begun += 1;
      else await tellBehind(context, describeAhead(rollout), behind);
    } catch (error) {
      context.logger.warn({ err: error, rollout: first.id, service: first.service }, "a queued rollout cannot be looked at now");
    }
  }
  return begun;
}

async function tellBehind({ db }: QueueContext, message: string, behind: Pick<Rollout, "id" | "message">[]): Promise<void> {
  const ids = behind.filter((rollout) => rollout.message !== message).map(({ id }) => id);
  if (ids.length === 0) return;
  const where = { id: { in: ids }, state: "queued" } as const;
  await db.rollout.updateMany({ where, data: { message, runVersion: { increment: 1 } } });
}

async function promote(context: QueueContext, rollout: Rollout): Promise<boolean> {
  const { db, kubernetes, clock } = context;
  const ref = { namespace: rollout.namespace, name: rollout.service };
  const workload = await findWorkload(kubernetes, ref);
  if (workload?.metadata.uid !== rollout.workloadUid) {
    await giveUp(context, rollout, "failed", "The workload was deleted while this waited.");
    return false;
  }
  const overridden = overriddenBy(rollout.preflight as unknown as PreflightRecord);
  const { dependsOn } = describeAbout(workload);
  const [wait] = await listWaits(db, { ref, dependsOn, place: rollout, overridden }, clock());
  if (wait) {
    await tellWait(context, rollout, wait.message);
    return false;
  }
  if (workload.spec.paused) {
    await tellWait(context, rollout, `${rollout.service} is paused; it begins when it is resumed.`);
    return false;
  }
  try {
    const target = renewTarget(rollout.target as unknown as RolloutTarget, workload);
    return await begin(context, rollout, workload, target);
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    if (!(error instanceof DomainError) || error.code !== "precondition-failed") throw error;
    await giveUp(context, rollout, "superseded", error.message);
    return false;
  }
}

function begin(context: QueueContext, rollout: Rollout, workload: Workload, target: RolloutTarget): Promise<boolean> {
  const now = context.clock();
  const run = startRun(rollout.strategy as unknown as Strategy, workload, now);
  const replicas = workload.spec.replicas ?? 1;
  return transact(context, async (transaction) => {
    const { count } = await transaction.rollout.updateMany({
      where: { id: rollout.id, state: "queued" },
      data: {
        state: "progressing",
        message: "It begins.",
        startedAt: now,
        activeKey: activeKeyOf({ namespace: rollout.namespace, name: rollout.service }),
        run: toJson(run),
        runVersion: { increment: 1 },
        target: toJson(target),
        targetGeneration: workload.metadata.generation ?? 0,
        fromReplicas: replicas,
        toReplicas: replicas,
      },
    });
    if (count === 0) return false;
    const message = "Nothing keeps it back any more, and it begins.";
    await transaction.rolloutEvent.create({ data: { rolloutId: rollout.id, at: now, kind: "started", message, by } });
    return true;
  });
}

async function tellWait({ db }: QueueContext, { id, message: told }: Rollout, message: string): Promise<void> {
  if (message === told) return;
  await db.rollout.updateMany({ where: { id, state: "queued" }, data: { message, runVersion: { increment: 1 } } });
}

async function giveUp(context: QueueContext, rollout: Rollout, state: "failed" | "superseded", message: string): Promise<void> {
  const now = context.clock();
  await transact(context, async (transaction) => {
    const { count } = await transaction.rollout.updateMany({
      where: { id: rollout.id, state: "queued" },
      data: { state, message, finishedAt: now, runVersion: { increment: 1 } },
    });
    if (count === 0) return;
    await transaction.rolloutEvent.create({ data: { rolloutId: rollout.id, at: now, kind: "ended", message, by } });
    await announceRolloutEnd(transaction, rollout, { state, message }, now);
  });
}
