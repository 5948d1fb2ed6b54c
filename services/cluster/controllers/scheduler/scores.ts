import { isTolerated } from "../nodes/tolerations.ts";
import type { Pod, WeightedPodAffinityTerm } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import { hasPodAffinity, matchesNodeTerm, termSelects } from "./affinity.ts";
import { podRequests } from "./requests.ts";
import type { NodeInfo, Snapshot } from "./snapshot.ts";

const best = 100;

type Scorer = { weight: number; score: (info: NodeInfo) => number; higherIsBetter: boolean };

/** The nodes with their scores. Each aspect is brought to 0..100 over these nodes, then weighed as kube-scheduler does. */
export function scoreNodes(pod: Pod, candidates: readonly NodeInfo[], snapshot: Snapshot): { info: NodeInfo; score: number }[] {
  const scorers: Scorer[] = [
    { weight: 3, higherIsBetter: false, score: ({ node }) => preferredTaints(pod, node.spec?.taints ?? []) },
    { weight: 2, higherIsBetter: true, score: (info) => nodePreference(pod, info) },
    { weight: 2, higherIsBetter: true, score: podPreference(pod, snapshot) },
    { weight: 2, higherIsBetter: false, score: sameOwner(pod) },
  ];
  const totals = candidates.map((info) => ({ info, score: leastAllocated(pod, info) }));
  for (const { weight, score, higherIsBetter } of scorers) {
    const raw = candidates.map(score);
    const lowest = Math.min(...raw);
    const range = Math.max(...raw) - lowest;
    if (range === 0) continue;
    totals.forEach((total, index) => {
      const part = ((raw[index] ?? 0) - lowest) / range;
      total.score += weight * best * (higherIsBetter ? part : 1 - part);
    });
  }
  return totals;
}

function preferredTaints(pod: Pod, taints: readonly { key: string; value?: string; effect: string }[]): number {
  return taints.filter((taint) => taint.effect === "PreferNoSchedule" && !isTolerated(taint, pod)).length;
}

function nodePreference(pod: Pod, { node }: NodeInfo): number {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0), 0);
}

/** Fewer pods of the same ReplicaSet on a node are better, so that one node's loss costs least. */
function sameOwner(pod: Pod): (info: NodeInfo) => number {
  const owner = controllerOf(pod)?.uid;
  if (!owner) return () => 0;
  return ({ podsByOwner }) => podsByOwner.get(owner) ?? 0;
}

/** Kubernetes' LeastAllocated: the mean free part of cpu and memory with this pod on the node, 0..100. */
function leastAllocated(pod: Pod, { allocatable, requested }: NodeInfo): number {
  const wanted = podRequests(pod);
  const free = (capacity: number, used: number) => (capacity > 0 ? Math.max(0, capacity - used) / capacity : 0);
  return (
    (best * (free(allocatable.cpu, requested.cpu + wanted.cpu) + free(allocatable.memory, requested.memory + wanted.memory))) / 2
  );
}

/** The sum of the weights of preferred terms, this pod's towards the others and the others' towards it, per place. */
function podPreference(pod: Pod, { nodes, namespaceLabels }: Snapshot): (info: NodeInfo) => number {
  const mine = preferences(pod);
  const places = new Map<string, number>();
  const add = (labels: Record<string, string> | undefined, topologyKey: string, weight: number) => {
    const value = labels?.[topologyKey];
    if (value === undefined) return;
    const place = `${topologyKey}=${value}`;
    places.set(place, (places.get(place) ?? 0) + weight);
  };
  for (const { node, pods, podsWithAffinity } of nodes) {
    for (const { weight, podAffinityTerm: term } of mine) {
      for (const other of pods)
        if (termSelects(term, pod, other, namespaceLabels)) add(node.metadata.labels, term.topologyKey, weight);
    }
    for (const other of podsWithAffinity) {
      for (const { weight, podAffinityTerm: term } of preferences(other)) {
        if (termSelects(term, other, pod, namespaceLabels)) add(node.metadata.labels, term.topologyKey, weight);
      }
    }
  }
  if (places.size === 0) return () => 0;
  return ({ node }) =>
    Object.entries(node.metadata.labels ?? {}).reduce((sum, [key, value]) => sum + (places.get(`${key}=${value}`) ?? 0), 0);
}

function preferences(pod: Pod): WeightedPodAffinityTerm[] {
  if (!hasPodAffinity(pod)) return [];
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const apart = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...apart.map(({ weight, podAffinityTerm }) => ({ weight: -weight, podAffinityTerm })),
  ];
}
