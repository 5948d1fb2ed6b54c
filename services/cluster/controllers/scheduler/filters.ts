import { isTolerated } from "../nodes/tolerations.ts";
import type { Pod, Taint } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { matchesNodeAffinity, requiredTerms, termSelects } from "./affinity.ts";
import { type Storage, volumeFilter } from "./claims.ts";
import type { ClusterState, NodeInfo } from "./cluster-state.ts";
import { hostPortsOf, isTaken } from "./host-ports.ts";
import { termsQuery } from "./pod-counts.ts";
import { type Amounts, podRequests } from "./requests.ts";
import { spreadFilter } from "./spread.ts";

/** Why a node cannot take the pod, in the scheduler's words; empty when it can. Gives no further reasons after the first kind. */
export type NodeFilter = (info: NodeInfo) => string[];

const none: string[] = [];
const portsTaken = "node(s) didn't have free ports for the requested pod ports";

/** The filters for one pod. What does not depend on the node is worked out once. Kubernetes: pkg/scheduler/framework/plugins. */
export function filtersFor(pod: Pod, state: ClusterState, storage: Storage): NodeFilter {
  const wanted = podRequests(pod);
  const ports = hostPortsOf(pod);
  const spread = spreadFilter(pod, state);
  const podAffinity = podAffinityFilter(pod, state);
  const filters: NodeFilter[] = [
    (info) => unschedulable(info, pod),
    (info) => taints(info, pod),
    (info) => nodeAffinity(info, pod),
    ({ load }) => (ports.some((port) => isTaken(load.hostPorts, port)) ? [portsTaken] : none),
    (info) => resources(info, wanted),
    volumeFilter(pod, storage),
    spread,
    podAffinity,
  ];
  return (info) => {
    for (const filter of filters) {
      const reasons = filter(info);
      if (reasons.length > 0) return reasons;
    }
    return none;
  };
}

const unschedulableTaint: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const notReadyTaint: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

function unschedulable({ node }: NodeInfo, pod: Pod): string[] {
  return node.spec?.unschedulable && !isTolerated(unschedulableTaint, pod) ? ["node(s) were unschedulable"] : none;
}

function taints({ node }: NodeInfo, pod: Pod): string[] {
  const untolerated = schedulingTaints(node.spec?.taints).find((taint) => !isTolerated(taint, pod));
  if (untolerated) return [`node(s) had untolerated taint {${untolerated.key}: ${untolerated.value ?? ""}}`];
  // The taint follows the condition a moment later; a node that never became ready must not get pods in between.
  const ready = findCondition(node.status?.conditions, "Ready")?.status === "True";
  return ready || isTolerated(notReadyTaint, pod) ? none : [`node(s) had untolerated taint {${notReadyTaint.key}: }`];
}

function schedulingTaints(all: readonly Taint[] | undefined): Taint[] {
  return (all ?? []).filter(({ effect, key }) => effect !== "PreferNoSchedule" && key !== unschedulableTaint.key);
}

function nodeAffinity({ node }: NodeInfo, pod: Pod): string[] {
  return matchesNodeAffinity(pod, node) ? none : ["node(s) didn't match Pod's node affinity/selector"];
}

function resources({ allocatable, load: { requested } }: NodeInfo, wanted: Amounts): string[] {
  const isFull = requested.pods + 1 > allocatable.pods;
  const lacksCpu = wanted.cpu > 0 && wanted.cpu > allocatable.cpu - requested.cpu;
  const lacksMemory = wanted.memory > 0 && wanted.memory > allocatable.memory - requested.memory;
  const lacking = lackingOthers(allocatable, requested, wanted);
  if (!isFull && !lacksCpu && !lacksMemory && lacking.length === 0) return none;
  return [
    ...(isFull ? ["Too many pods"] : []),
    ...(lacksCpu ? ["Insufficient cpu"] : []),
    ...(lacksMemory ? ["Insufficient memory"] : []),
    ...lacking,
  ];
}

function lackingOthers(allocatable: Amounts, requested: Amounts, { others }: Amounts): string[] {
  if (others.size === 0) return none;
  const free = (name: string) => (allocatable.others.get(name) ?? 0) - (requested.others.get(name) ?? 0);
  return [...others].filter(([name, amount]) => amount > 0 && amount > free(name)).map(([name]) => `Insufficient ${name}`);
}

function podAffinityFilter(pod: Pod, state: ClusterState): NodeFilter {
  const { counts, terms, namespaceLabels } = state;
  const placesOf = (nodes: Iterable<string>, topologyKey: string, places = new Set<string>()) => {
    for (const name of nodes) {
      const place = state.label(name, topologyKey);
      if (place !== undefined) places.add(place);
    }
    return places;
  };

  const wanted = requiredTerms(pod, "podAffinity");
  const company = wanted.length > 0 ? counts.of(termsQuery(wanted, namespaceLabels)) : new Map<string, number>();
  const wantedPlaces = wanted.map(({ topologyKey }) => placesOf(company.keys(), topologyKey));
  // The first pod of a group that wants to be together with itself may go anywhere.
  const isFirst =
    wantedPlaces.every((places) => places.size === 0) && wanted.every((term) => termSelects(term, pod, namespaceLabels));

  const refused = requiredTerms(pod, "podAntiAffinity").map((term) => ({
    topologyKey: term.topologyKey,
    places: placesOf(counts.of(termsQuery([term], namespaceLabels)).keys(), term.topologyKey),
  }));

  const refusing = new Map<string, Set<string>>();
  for (const { term, byNode } of terms.refusing()) {
    if (!termSelects(term, pod, namespaceLabels)) continue;
    refusing.set(term.topologyKey, placesOf(byNode.keys(), term.topologyKey, refusing.get(term.topologyKey)));
  }

  if (wanted.length + refused.length + refusing.size === 0) return () => none;
  return ({ node }) => {
    const labels = node.metadata.labels ?? {};
    const isNear = wanted.every(({ topologyKey }, index) => {
      const place = labels[topologyKey];
      return place !== undefined && (isFirst || (wantedPlaces[index]?.has(place) ?? false));
    });
    if (!isNear) return ["node(s) didn't match pod affinity rules"];
    const isApart = refused.every(({ topologyKey, places }) => !places.has(labels[topologyKey] ?? ""));
    if (!isApart) return ["node(s) didn't match pod anti-affinity rules"];
    for (const [topologyKey, places] of refusing) {
      if (places.has(labels[topologyKey] ?? "")) return ["node(s) didn't satisfy existing pods anti-affinity rules"];
    }
    return none;
  };
}
