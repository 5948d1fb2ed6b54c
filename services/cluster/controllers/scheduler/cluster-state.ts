import type { Node, Pod } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import type { NamespaceLabels } from "./affinity.ts";
import { countHostPorts, type HostPorts } from "./host-ports.ts";
import { PlacedTerms } from "./placed-terms.ts";
import { add, PodCounts } from "./pod-counts.ts";
import { type Amounts, addAmounts, noAmounts, nodeAllocatable, podRequests } from "./requests.ts";

/** What the pods on a node take from it. */
export type Load = {
  requested: Amounts;
  /** How many pods each controller has here that are not being deleted, by its uid. */
  podsByOwner: Map<string, number>;
  hostPorts: HostPorts;
};

/** A node with what runs on it. */
export type NodeInfo = { node: Node; allocatable: Amounts; load: Load };

type Placed = { pod: Pod; node: string };

/**
 * Nodes and the pods on them, summed up as they change: placing a pod looks at nodes and never at the pods on them. A pod counts
 * from the moment its place is decided until it has ended.
 */
export class ClusterState {
  readonly namespaceLabels: NamespaceLabels;
  readonly counts = new PodCounts(() => this.#placed.values());
  readonly terms = new PlacedTerms();
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #loads = new Map<string, Load>();
  readonly #placed = new Map<string, Placed>();
  #sorted: readonly NodeInfo[] | undefined;

  constructor(namespaceLabels: NamespaceLabels) {
    this.namespaceLabels = namespaceLabels;
  }

  /** Sorted by name, so that a plan is repeatable. */
  get nodes(): readonly NodeInfo[] {
    this.#sorted ??= [...this.#nodes.keys()].sort().flatMap((name) => this.#nodes.get(name) ?? []);
    return this.#sorted;
  }

  /** The value of a node's label; undefined when the node does not exist or has none. */
  label(node: string, key: string): string | undefined {
    return this.#nodes.get(node)?.node.metadata.labels?.[key];
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const known = this.#nodes.get(name);
    if (known) {
      known.node = node;
      known.allocatable = nodeAllocatable(node);
      return;
    }
    this.#nodes.set(name, { node, allocatable: nodeAllocatable(node), load: this.#load(name) });
    this.#sorted = undefined;
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#sorted = undefined;
  }

  place(pod: Pod, node: string): void {
    const before = this.#placed.get(pod.metadata.uid);
    if (before && before.node === node && countsAlike(before.pod, pod)) {
      before.pod = pod;
      return;
    }
    if (before) this.remove(pod.metadata.uid);
    this.#placed.set(pod.metadata.uid, { pod, node });
    this.#count(pod, node, 1);
  }

  remove(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.#placed.delete(uid);
    this.#count(placed.pod, placed.node, -1);
  }

  #count(pod: Pod, node: string, change: 1 | -1): void {
    const { requested, podsByOwner, hostPorts } = this.#load(node);
    addAmounts(requested, podRequests(pod), change);
    const owner = controllerOf(pod)?.uid;
    if (owner && !pod.metadata.deletionTimestamp) add(podsByOwner, owner, change);
    countHostPorts(hostPorts, pod, change);
    this.counts.count(pod, node, change);
    this.terms.count(pod, node, change);
  }

  #load(node: string): Load {
    const load = this.#loads.get(node) ?? {
      requested: noAmounts(),
      podsByOwner: new Map(),
      hostPorts: new Map(),
    };
    this.#loads.set(node, load);
    return load;
  }
}

/** Most changes of a pod are its status, which changes no count. */
function countsAlike(before: Pod, after: Pod): boolean {
  return (
    before.spec.containers === after.spec.containers &&
    before.metadata.labels === after.metadata.labels &&
    before.metadata.deletionTimestamp === after.metadata.deletionTimestamp
  );
}
