import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Deployment, type HorizontalPodAutoscaler, paths, type ReplicaSet } from "#lib/kubernetes/objects.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { kindLabel, type ServiceRef } from "../fleet/schemas.ts";
import { findCurrentReplicaSet, hashOf, isOwnedBy } from "../fleet/template.ts";

/** What an action works on, read afresh: never from the shared copies, which may be behind. */
export type Target = { deployment: Deployment; replicaSets: ReplicaSet[]; templateHash: string };

/** Reads a managed service's Deployment and its ReplicaSets; throws not-found. */
export async function readTarget({ kubernetes }: Pick<Context, "kubernetes">, { namespace, name }: ServiceRef): Promise<Target> {
  const deployment = await kubernetes.get<Deployment>(paths.deployment(namespace, name));
  if (deployment.metadata.labels?.[kindLabel] === undefined) {
    throw new DomainError("not-found", `${namespace}/${name} is not managed by Switchyard: it has no label ${kindLabel}.`);
  }
  const labels = Object.entries(deployment.spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const listed = await kubernetes.list<ReplicaSet>(paths.replicaSetsOf(namespace), {
    labelSelector: labels.join(",") || undefined,
  });
  const replicaSets = listed.filter((replicaSet) => isOwnedBy(replicaSet, deployment.metadata.uid));
  return { deployment, replicaSets, templateHash: hashOf(findCurrentReplicaSet(deployment, replicaSets)) };
}

/** Refuses (precondition-failed) when an autoscaler owns the number of instances: it would undo a manual scale. */
export async function refuseAutoscaled(
  { kubernetes }: Pick<Context, "kubernetes">,
  { namespace, name }: ServiceRef,
): Promise<void> {
  const autoscalers = await kubernetes.list<HorizontalPodAutoscaler>(paths.autoscalersOf(namespace)).catch((error: unknown) => {
    if (error instanceof KubernetesError && error.status === 404) return [];
    throw error;
  });
  const owner = autoscalers.find(
    ({ spec: { scaleTargetRef } }) => scaleTargetRef.kind === "Deployment" && scaleTargetRef.name === name,
  );
  if (!owner) return;
  const { minReplicas = 1, maxReplicas } = owner.spec;
  throw new DomainError(
    "precondition-failed",
    `The autoscaler ${owner.metadata.name} sets the number of instances (${minReplicas} to ${maxReplicas}) and would undo this. Change its limits instead.`,
  );
}
