import { isTolerated } from "../nodes/tolerations.ts";
import type { Node, Pod, TopologySpreadConstraint } from "../objects.ts";
import { matchesSelector } from "../selectors.ts";
import { matchesNodeAffinity, withLabelKeys } from "./affinity.ts";
import type { ClusterState, NodeInfo } from "./cluster-state.ts";
import { livePodsQuery } from "./pod-counts.ts";

const missingLabel = "node(s) didn't match pod topology spread constraints (missing required label)";
const tooUneven = "node(s) didn't match pod topology spread constraints";

type Mode = TopologySpreadConstraint["whenUnsatisfiable"];

type Domains = {
  topologyKey: string;
  maxSkew: number;
  minDomains: number;
  /** 1 when the pod itself is one of those that are counted. */
  self: 0 | 1;
  /** The matching pods of each domain that counts, by the label's value. */
  pods: Map<string, number>;
};

/** Kubernetes: pkg/scheduler/framework/plugins/podtopologyspread. */
export function spreadFilter(pod: Pod, state: ClusterState): (info: NodeInfo) => string[] {
  const constraints = domainsFor(pod, "DoNotSchedule", state, state.nodes);
  if (constraints.length === 0) return () => [];
  const lowest = constraints.map(({ pods, minDomains }) => (pods.size < minDomains ? 0 : Math.min(...pods.values())));
  return ({ node }) => {
    const labels = node.metadata.labels ?? {};
    for (const [index, { topologyKey, maxSkew, self, pods }] of constraints.entries()) {
      const domain = labels[topologyKey];
      if (domain === undefined) return [missingLabel];
      const fewest = lowest[index] ?? 0;
      const skew = (pods.get(domain) ?? 0) + self - (fewest === Number.POSITIVE_INFINITY ? 0 : fewest);
      if (skew > maxSkew) return [tooUneven];
    }
    return [];
  };
}

/** How crowded the node's domains are with pods like this one: the lower the better. Undefined when nothing is asked for. */
export function crowding(
  pod: Pod,
  state: ClusterState,
  candidates: readonly NodeInfo[],
): ((info: NodeInfo) => number | undefined) | undefined {
  const constraints = domainsFor(pod, "ScheduleAnyway", state, candidates);
  if (constraints.length === 0) return undefined;
  return ({ node }) => {
    let sum = 0;
    for (const { topologyKey, maxSkew, pods } of constraints) {
      const domain = node.metadata.labels?.[topologyKey];
      if (domain === undefined) return undefined;
      sum += (pods.get(domain) ?? 0) * Math.log(pods.size + 2) + maxSkew - 1;
    }
    return sum;
  };
}

function domainsFor(pod: Pod, mode: Mode, state: ClusterState, nodes: readonly NodeInfo[]): Domains[] {
  const wanted = (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === mode);
  if (wanted.length === 0) return [];
  const keys = wanted.map(({ topologyKey }) => topologyKey);
  const complete = nodes.filter(({ node }) => keys.every((key) => node.metadata.labels?.[key] !== undefined));
  return wanted.map((constraint) => {
    const { topologyKey, maxSkew, minDomains = 1, labelSelector, matchLabelKeys } = constraint;
    const selector = withLabelKeys(labelSelector, pod.metadata.labels, matchLabelKeys);
    const counts = state.counts.of(livePodsQuery(pod.metadata.namespace ?? "", selector));
    const pods = new Map<string, number>();
    for (const { node } of complete) {
      if (!isCounted(node, pod, constraint)) continue;
      const domain = node.metadata.labels?.[topologyKey] ?? "";
      pods.set(domain, (pods.get(domain) ?? 0) + (counts.get(node.metadata.name) ?? 0));
    }
    return { topologyKey, maxSkew, minDomains, self: matchesSelector(selector, pod.metadata.labels) ? 1 : 0, pods };
  });
}

/** Whether the node is part of the topology for this pod. By default its affinity decides and taints do not. */
function isCounted(node: Node, pod: Pod, { nodeAffinityPolicy, nodeTaintsPolicy }: TopologySpreadConstraint): boolean {
  if (nodeAffinityPolicy !== "Ignore" && !matchesNodeAffinity(pod, node)) return false;
  if (nodeTaintsPolicy !== "Honor") return true;
  return (node.spec?.taints ?? []).every((taint) => taint.effect === "PreferNoSchedule" || isTolerated(taint, pod));
}
