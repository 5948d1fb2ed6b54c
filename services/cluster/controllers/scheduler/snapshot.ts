import type { Node, Pod } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import { hasPodAffinity, type NamespaceLabels } from "./affinity.ts";
import { type Amounts, nodeAllocatable, podRequests } from "./requests.ts";

/** A node with what runs on it. */
export type NodeInfo = {
  node: Node;
  allocatable: Amounts;
  requested: Amounts;
  /** The pods on the node that have not ended, those included that were placed there a moment ago. */
  pods: readonly Pod[];
  /** Those of them with pod affinity or anti-affinity. */
  podsWithAffinity: readonly Pod[];
  /** How many of them each controller has here, by its uid. */
  podsByOwner: ReadonlyMap<string, number>;
};

/** What the scheduler looks at while it places one pod. */
export type Snapshot = { nodes: readonly NodeInfo[]; namespaceLabels: NamespaceLabels };

/** Sums a node up once, so that placing a pod looks at nodes and not at all of their pods. */
export function nodeInfoOf(node: Node, pods: readonly Pod[]): NodeInfo {
  const requested = { cpu: 0, memory: 0, pods: pods.length };
  const podsByOwner = new Map<string, number>();
  for (const pod of pods) {
    const { cpu, memory } = podRequests(pod);
    requested.cpu += cpu;
    requested.memory += memory;
    const owner = controllerOf(pod)?.uid;
    if (owner) podsByOwner.set(owner, (podsByOwner.get(owner) ?? 0) + 1);
  }
  return {
    node,
    allocatable: nodeAllocatable(node),
    requested,
    pods,
    podsWithAffinity: pods.filter(hasPodAffinity),
    podsByOwner,
  };
}
