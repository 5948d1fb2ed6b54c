import { Prisma } from "#lib/database/client.ts";
import type { Rollout } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import {
  type ConfigObject,
  type ControllerRevision,
  type Pod,
  type PodTemplate,
  paths,
  type ReplicaSet,
  type Workload,
} from "#lib/kubernetes/objects.ts";
import type { Context } from "../../context.ts";
import { configPath, copyLabel } from "./config-copies.ts";
import { listReferences } from "./config-references.ts";
import { configKinds } from "./start-schemas.ts";
import type { RolloutTarget } from "./target.ts";

type CollectorContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

/** A rollout stores its copies before its row; and one that was aborted can be tried again for a while. */
const youngMs = 3_600_000;
const retriedWithinMs = 7 * 86_400_000;

/**
 * Removes the copies of configuration that nothing names any more: no workload, no revision that a rollback could bring back, no
 * pod, and no rollout that waits, is under way or began within a week. Returns how many it removed.
 */
export async function removeUnusedCopies(context: CollectorContext): Promise<number> {
  const { kubernetes, clock, logger } = context;
  const copies = (await Promise.all(configKinds.map((kind) => listCopies(context, kind)))).flat();
  const old = copies.filter(({ metadata }) => clock().getTime() - Date.parse(metadata.creationTimestamp) > youngMs);
  const byNamespace = Map.groupBy(old, ({ metadata }) => metadata.namespace ?? "");
  let removed = 0;
  for (const [namespace, objects] of byNamespace) {
    const used = await listUsed(context, namespace);
    for (const { kind, metadata } of objects.filter((object) => !used.has(`${object.kind}/${object.metadata.name}`))) {
      await kubernetes.remove(configPath(kind, namespace, metadata.name), metadata).catch((error: unknown) => {
        // Somebody else removed it, or has just changed it.
        if (!(error instanceof KubernetesError) || (error.status !== 404 && error.status !== 409)) throw error;
      });
      logger.info({ kind, namespace, name: metadata.name }, "a copy of configuration that nothing names was removed");
      removed += 1;
    }
  }
  return removed;
}

async function listCopies({ kubernetes, logger }: CollectorContext, kind: ConfigObject["kind"]): Promise<ConfigObject[]> {
  try {
    const objects = await kubernetes.list<Omit<ConfigObject, "kind">>(paths.allConfig(kind), { labelSelector: copyLabel });
    return objects.map((object) => ({ ...object, kind }));
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status !== 403) throw error;
    logger.warn({ err: error, kind }, "copies of configuration cannot be listed, so none is removed");
    return [];
  }
}

/** Everything in the namespace that could still want a copy, as kind/name. */
async function listUsed({ db, kubernetes, clock }: CollectorContext, namespace: string): Promise<Set<string>> {
  const workloadsOf = (plural: string) => `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`;
  // Before the cluster is read: a rollout that ends meanwhile is still found in one of the two.
  const rollouts = await db.rollout.findMany({
    where: {
      namespace,
      strategy: { not: Prisma.DbNull },
      OR: [
        { state: { in: ["queued", "progressing", "paused"] } },
        { startedAt: { gte: new Date(clock().getTime() - retriedWithinMs) } },
      ],
    },
    select: { target: true },
  });
  const [deployments, statefulSets, replicaSets, revisions, pods] = await Promise.all([
    kubernetes.list<Workload>(workloadsOf("deployments")),
    kubernetes.list<Workload>(workloadsOf("statefulsets")),
    kubernetes.list<ReplicaSet>(paths.replicaSetsOf(namespace)),
    kubernetes.list<ControllerRevision>(paths.controllerRevisionsOf(namespace)),
    kubernetes.list<Pod>(paths.podsOf(namespace)),
  ]);
  const templates: PodTemplate[] = [
    ...rollouts.flatMap((rollout) => templatesOf(rollout)),
    ...[...deployments, ...statefulSets, ...replicaSets].map(({ spec }) => spec.template),
    ...revisions.flatMap(({ data }) => (data?.spec?.template ? [data.spec.template] : [])),
    ...pods,
  ];
  return new Set(templates.flatMap(listReferences).map(({ kind, name }) => `${kind}/${name}`));
}

function templatesOf({ target }: Pick<Rollout, "target">): PodTemplate[] {
  const known = target as unknown as RolloutTarget | null;
  return known ? [known.template, known.before] : [];
}
