import { isTolerated } from "../nodes/tolerations.ts";
import type { Pod, Taint } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { matchesNodeAffinity, requiredTerms, termSelects } from "./affinity.ts";
import { podRequests } from "./requests.ts";
import type { NodeInfo, Snapshot } from "./snapshot.ts";

/** Why a node cannot take the pod, in the scheduler's words; empty when it can. Gives no further reasons after the first kind. */
export type NodeFilter = (info: NodeInfo) => string[];

/** The filters for one pod. What does not depend on the node is worked out once. Kubernetes: pkg/scheduler/framework/plugins. */
export function filtersFor(pod: Pod, snapshot: Snapshot): NodeFilter {
  const podAffinity = podAffinityFilter(pod, snapshot);
  return (info) => {
    for (const filter of [unschedulable, taints, nodeAffinity, resources, podAffinity]) {
      const reasons = filter(info, pod);
      if (reasons.length > 0) return reasons;
    }
    return [];
  };
}

const unschedulableTaint: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const notReadyTaint: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

function unschedulable({ node }: NodeInfo, pod: Pod): string[] {
  return node.spec?.unschedulable && !isTolerated(unschedulableTaint, pod) ? ["node(s) were unschedulable"] : [];
}

function taints({ node }: NodeInfo, pod: Pod): string[] {
  const untolerated = schedulingTaints(node.spec?.taints).find((taint) => !isTolerated(taint, pod));
  if (untolerated) return [`node(s) had untolerated taint {${untolerated.key}: ${untolerated.value ?? ""}}`];
  // The taint follows the condition a moment later; a node that never became ready must not get pods in between.
  const ready = findCondition(node.status?.conditions, "Ready")?.status === "True";
  return ready || isTolerated(notReadyTaint, pod) ? [] : [`node(s) had untolerated taint {${notReadyTaint.key}: }`];
}

function schedulingTaints(all: readonly Taint[] | undefined): Taint[] {
  return (all ?? []).filter(({ effect, key }) => effect !== "PreferNoSchedule" && key !== unschedulableTaint.key);
}

function nodeAffinity({ node }: NodeInfo, pod: Pod): string[] {
  return matchesNodeAffinity(pod, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"];
}

function resources({ allocatable, requested }: NodeInfo, pod: Pod): string[] {
  const wanted = podRequests(pod);
  const reasons: string[] = [];
  if (requested.pods + 1 > allocatable.pods) reasons.push("Too many pods");
  if (wanted.cpu > 0 && wanted.cpu > allocatable.cpu - requested.cpu) reasons.push("Insufficient cpu");
  if (wanted.memory > 0 && wanted.memory > allocatable.memory - requested.memory) reasons.push("Insufficient memory");
  return reasons;
}

function podAffinityFilter(pod: Pod, { nodes, namespaceLabels }: Snapshot): NodeFilter {
  const wanted = requiredTerms(pod, "podAffinity");
  const refused = requiredTerms(pod, "podAntiAffinity");
  const wantedPlaces = wanted.map(() => new Set<string>());
  const refusedPlaces = refused.map(() => new Set<string>());
  const refusingPlaces = new Set<string>();
  for (const { node, pods, podsWithAffinity } of nodes) {
    const labels = node.metadata.labels ?? {};
    const collect = (terms: typeof wanted, places: Set<string>[]) =>
      terms.forEach((term, index) => {
        const place = labels[term.topologyKey];
        if (place === undefined || places[index]?.has(place)) return;
        if (pods.some((other) => termSelects(term, pod, other, namespaceLabels))) places[index]?.add(place);
      });
    collect(wanted, wantedPlaces);
    collect(refused, refusedPlaces);
    for (const other of podsWithAffinity) {
      for (const term of requiredTerms(other, "podAntiAffinity")) {
        const place = labels[term.topologyKey];
        if (place !== undefined && termSelects(term, other, pod, namespaceLabels))
          refusingPlaces.add(`${term.topologyKey}=${place}`);
      }
    }
  }
  // The first pod of a group that wants to be together with itself may go anywhere.
  const first =
    wantedPlaces.every((places) => places.size === 0) && wanted.every((term) => termSelects(term, pod, pod, namespaceLabels));

  return ({ node }) => {
    const labels = node.metadata.labels ?? {};
    const near = wanted.every(({ topologyKey }, index) => {
      const place = labels[topologyKey];
      return place !== undefined && (first || (wantedPlaces[index]?.has(place) ?? false));
    });
    if (!near) return ["node(s) didn't match pod affinity rules"];
    const apart = refused.every(({ topologyKey }, index) => !refusedPlaces[index]?.has(labels[topologyKey] ?? ""));
    if (!apart) return ["node(s) didn't match pod anti-affinity rules"];
    const accepted = Object.entries(labels).every(([key, value]) => !refusingPlaces.has(`${key}=${value}`));
    return accepted ? [] : ["node(s) didn't satisfy existing pods anti-affinity rules"];
  };
}
