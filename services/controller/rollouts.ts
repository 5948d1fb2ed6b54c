import { Prisma, type Rollout } from "#lib/database/generated/client.ts";
import type { Context } from "#lib/domain/context.ts";
import { describeService } from "#lib/domain/fleet/describe.ts";
import { fetchRevisions, findWorkload, selectorOf } from "#lib/domain/fleet/fresh.ts";
import type { ServiceRef } from "#lib/domain/fleet/schemas.ts";
import { isOwnedBy } from "#lib/domain/fleet/template.ts";
import { recordProgress } from "#lib/domain/rollouts/commands.ts";
import { type Found, judgeProgress } from "#lib/domain/rollouts/progress.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";

export type ReconcilerContext = Pick<Context, "db" | "kubernetes" | "prometheus" | "clock" | "logger">;

/**
 * Follows every open rollout that was written at once by reading its workload: one pass judges each once. Rows change only from the state that was
 * read, so two controllers do no harm.
 */
export async function reconcileRollouts(context: ReconcilerContext): Promise<void> {
  const open = await context.db.rollout.findMany({
    where: { state: { in: ["progressing", "paused"] }, strategy: { equals: Prisma.DbNull } },
    orderBy: { startedAt: "asc" },
    take: 500,
  });
  const byService = Map.groupBy(open, ({ namespace, service }) => `${namespace}/${service}`);
  for (const rollouts of byService.values()) {
    try {
      await followService(context, rollouts);
    } catch (error) {
      context.logger.warn({ err: error, service: rollouts[0]?.service }, "a rollout cannot be judged now");
    }
  }
}

async function followService(context: ReconcilerContext, rollouts: readonly Rollout[]): Promise<void> {
  const [first] = rollouts;
  if (!first) return;
  const found = await findService(context, { namespace: first.namespace, name: first.service });
  for (const rollout of rollouts) {
    const progress = judgeProgress(rollout, found);
    if (await recordProgress(context, rollout, progress)) {
      context.logger.info({ rollout: rollout.id, service: rollout.service, ...progress }, "rollout");
    }
  }
}

/** The workload with the instances of its present template; null when it is gone. */
async function findService({ kubernetes, clock }: ReconcilerContext, ref: ServiceRef): Promise<Found | null> {
  const workload = await findWorkload(kubernetes, ref);
  if (!workload) return null;
  const [revisions, labelled] = await Promise.all([
    fetchRevisions(kubernetes, workload),
    kubernetes.list<Pod>(paths.podsOf(ref.namespace), { labelSelector: selectorOf(workload) }),
  ]);
  const owners = [workload, ...revisions].map(({ metadata }) => metadata.uid);
  const pods = labelled.filter((pod) => owners.some((uid) => isOwnedBy(pod, uid)));
  const { service, instances } = describeService({ workload, revisions, pods }, { now: clock(), staleSince: null });
  return { workload, revisions, instances: instances.filter(({ templateHash }) => templateHash === service.templateHash) };
}
