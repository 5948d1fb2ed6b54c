import { type Cluster, type KubeObject, type ResourceId, resources } from "../../api.ts";
import { refusals } from "../../registry/refusals.ts";
import { selectorText } from "../../tables/workload-tables.ts";
import { type Indexes, podsWithLabels } from "../indexes.ts";
import type { LabelSelector, Pod } from "../objects.ts";
import { isEmptySelector, matchesSelector } from "../selectors.ts";
import type { Target } from "./plan.ts";
import type { HorizontalPodAutoscaler } from "./types.ts";

/** A workload that has a scale. */
export type Scalable = KubeObject & { spec: { replicas?: number; selector?: LabelSelector } };

export type FoundTarget = { id: ResourceId; object: Scalable; target: Target };

const scalable: Record<string, ResourceId> = {
  "apps/Deployment": resources.deployments,
  "apps/ReplicaSet": resources.replicaSets,
  "apps/StatefulSet": resources.statefulSets,
};

/** The workload that an autoscaler scales, with its pods; an error in Kubernetes' words when there is none. */
export function findTarget(cluster: Cluster, indexes: Indexes, autoscaler: HorizontalPodAutoscaler): FoundTarget | Error {
  const found = findScalable(cluster, autoscaler);
  if (found instanceof Error) return found;
  const { id, object } = found;
  const { namespace = "" } = autoscaler.metadata;
  const { selector } = object.spec;
  const pods = podsOf(indexes, namespace, selector);
  const all = cluster.list<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, { namespace });
  const rivals = all.filter((other) => {
    if (other.metadata.uid === autoscaler.metadata.uid) return false;
    const theirs = findScalable(cluster, other);
    if (theirs instanceof Error) return false;
    return pods.some((pod) => isSelected(theirs.object.spec.selector, pod));
  });
  const names = rivals.length > 0 ? [autoscaler, ...rivals].map(({ metadata }) => `{${metadata.name} ${namespace}}`) : [];
  return {
    id,
    object,
    target: { replicas: object.spec.replicas ?? 1, pods, selector: selectorText(selector), rivals: names },
  };
}

function findScalable(
  cluster: Cluster,
  { metadata, spec }: HorizontalPodAutoscaler,
): { id: ResourceId; object: Scalable } | Error {
  const { apiVersion = "v1", kind, name } = spec.scaleTargetRef;
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const id = scalable[`${group}/${kind}`];
  if (!id) return new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
  const object = cluster.get<Scalable>(id, metadata.namespace ?? "", name);
  return object ? { id, object } : refusals.notFound(id, name);
}

function podsOf(indexes: Indexes, namespace: string, selector: LabelSelector | undefined): Pod[] {
  return podsWithLabels(indexes, namespace, selector?.matchLabels ?? {}).filter((pod) => isSelected(selector, pod));
}

function isSelected(selector: LabelSelector | undefined, pod: Pod): boolean {
  return !isEmptySelector(selector) && matchesSelector(selector, pod.metadata.labels);
}
