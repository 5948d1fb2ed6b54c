import type { Rollout } from "#lib/database/generated/client.ts";
import type { Context } from "#lib/domain/context.ts";
import { describeService } from "#lib/domain/fleet/describe.ts";
import type { Instance } from "#lib/domain/fleet/schemas.ts";
import { findCurrentReplicaSet, hashOf, isOwnedBy } from "#lib/domain/fleet/template.ts";
import { recordProgress } from "#lib/domain/rollouts/commands.ts";
import { judgeProgress } from "#lib/domain/rollouts/progress.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Deployment, type Pod, paths, type ReplicaSet } from "#lib/kubernetes/objects.ts";

export type ReconcilerContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

/**
 * Follows every open rollout by reading its Deployment: one pass judges each once. Rows change only from the state that was
 * read, so two controllers do no harm.
 */
export async function reconcileRollouts(context: ReconcilerContext): Promise<void> {
  const open = await context.db.rollout.findMany({
    where: { state: { in: ["progressing", "paused"] } },
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
  const { deployment, instances } = await readWorkload(context, first.namespace, first.service);
  for (const rollout of rollouts) {
    const progress = judgeProgress(rollout, deployment, instances);
    if (await recordProgress(context, rollout, progress)) {
      context.logger.info({ rollout: rollout.id, service: rollout.service, ...progress }, "rollout");
    }
  }
}

/** The Deployment, null when it is gone, and the instances of its present template. */
async function readWorkload({ kubernetes, clock }: ReconcilerContext, namespace: string, name: string) {
  const deployment = await kubernetes.get<Deployment>(paths.deployment(namespace, name)).catch((error: unknown) => {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  });
  if (!deployment) return { deployment, instances: [] as Instance[] };
  const labels = Object.entries(deployment.spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const query = { labelSelector: labels.join(",") || undefined };
  const [listed, allPods] = await Promise.all([
    kubernetes.list<ReplicaSet>(paths.replicaSetsOf(namespace), query),
    kubernetes.list<Pod>(paths.podsOf(namespace), query),
  ]);
  const replicaSets = listed.filter((replicaSet) => isOwnedBy(replicaSet, deployment.metadata.uid));
  const current = findCurrentReplicaSet(deployment, replicaSets);
  const pods = current ? allPods.filter((pod) => isOwnedBy(pod, current.metadata.uid)) : [];
  const { instances } = describeService({ deployment, replicaSets, pods }, { now: clock(), staleSince: null });
  return { deployment, instances: instances.filter(({ templateHash }) => templateHash === hashOf(current)) };
}
