import { type KubeObject, resources } from "../api.ts";
import type { Pod, ReplicaSet } from "./objects.ts";
import { controllerOf } from "./owners.ts";
import type { Index, View } from "./view.ts";

/** The groupings that more than one controller needs. */
export type Indexes = {
  podsByController: Index<Pod>;
  podsByNode: Index<Pod>;
  podsByLabel: Index<Pod>;
  podsByNamespace: Index<Pod>;
  replicaSetsByController: Index<ReplicaSet>;
};

export function createIndexes(view: View): Indexes {
  return {
    podsByController: view.index<Pod>(resources.pods, byController),
    podsByNode: view.index<Pod>(resources.pods, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : [])),
    podsByLabel: view.index<Pod>(resources.pods, ({ metadata }) =>
      Object.entries(metadata.labels ?? {}).map(([key, value]) => labelKey(metadata.namespace ?? "", key, value)),
    ),
    podsByNamespace: view.index<Pod>(resources.pods, ({ metadata }) => [metadata.namespace ?? ""]),
    replicaSetsByController: view.index<ReplicaSet>(resources.replicaSets, byController),
  };
}

function byController(object: KubeObject): string[] {
  const owner = controllerOf(object);
  return owner ? [owner.uid] : [];
}

export function labelKey(namespace: string, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** The pods of a namespace that carry all of these labels, found through the rarest of them. */
export function podsWithLabels(indexes: Indexes, namespace: string, labels: Record<string, string>): Pod[] {
  const wanted = Object.entries(labels);
  if (wanted.length === 0) return indexes.podsByNamespace.get(namespace);
  const keys = wanted.map(([key, value]) => labelKey(namespace, key, value));
  const rarest = keys.reduce((best, key) => (indexes.podsByLabel.count(key) < indexes.podsByLabel.count(best) ? key : best));
  return indexes.podsByLabel.get(rarest).filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value));
}
