import { isTolerated } from "../nodes/tolerations.ts";
import type { Pod } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import { matchesNodeTerm, preferredTerms, type Term, termSelects } from "./affinity.ts";
import type { ClusterState, NodeInfo } from "./cluster-state.ts";
import { termsQuery } from "./pod-counts.ts";
import { podRequests } from "./requests.ts";
import { crowding } from "./spread.ts";

const best = 100;

/** `undefined` is the worst of all. */
type Scorer = { weight: number; score: (info: NodeInfo) => number | undefined; higherIsBetter: boolean };

/** The nodes with their scores. Each aspect is brought to 0..100 over these nodes, then weighed as kube-scheduler does. */
export function scoreNodes(pod: Pod, candidates: readonly NodeInfo[], state: ClusterState): { info: NodeInfo; score: number }[] {
  const totals = candidates.map((info) => ({ info, score: leastAllocated(pod, info) }));
  for (const { weight, score, higherIsBetter } of scorersFor(pod, candidates, state)) {
    const raw = candidates.map(score);
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    for (const value of raw) {
      if (value === undefined) continue;
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
    }
    const range = highest - lowest;
    for (const [index, total] of totals.entries()) {
      const value = raw[index];
      if (value === undefined) continue;
      if (range > 0) total.score += weight * best * (higherIsBetter ? (value - lowest) / range : (highest - value) / range);
      else total.score += weight * best;
    }
  }
  return totals;
}

function scorersFor(pod: Pod, candidates: readonly NodeInfo[], state: ClusterState): Scorer[] {
  const scorers: Scorer[] = [
    { weight: 3, higherIsBetter: false, score: ({ node }) => preferredTaints(pod, node.spec?.taints ?? []) },
  ];
  if (pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution) {
    scorers.push({ weight: 2, higherIsBetter: true, score: (info) => nodePreference(pod, info) });
  }
  const podPreferences = podPreference(pod, state);
  if (podPreferences) scorers.push({ weight: 2, higherIsBetter: true, score: podPreferences });
  const spread = crowding(pod, state, candidates) ?? (pod.spec.topologySpreadConstraints?.length ? undefined : sameOwner(pod));
  if (spread) scorers.push({ weight: 2, higherIsBetter: false, score: spread });
  return scorers;
}

function preferredTaints(pod: Pod, taints: readonly { key: string; value?: string; effect: string }[]): number {
  let count = 0;
  for (const taint of taints) if (taint.effect === "PreferNoSchedule" && !isTolerated(taint, pod)) count += 1;
  return count;
}

function nodePreference(pod: Pod, { node }: NodeInfo): number {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0), 0);
}

/** Without constraints of its own a pod goes where fewer of its controller are, so that one node's loss costs least. */
function sameOwner(pod: Pod): ((info: NodeInfo) => number) | undefined {
  const owner = controllerOf(pod)?.uid;
  return owner ? ({ load }) => load.podsByOwner.get(owner) ?? 0 : undefined;
}

/** Kubernetes' LeastAllocated: the mean free part of cpu and memory with this pod on the node, 0..100. */
function leastAllocated(pod: Pod, { allocatable, load: { requested } }: NodeInfo): number {
  const wanted = podRequests(pod);
  const free = (capacity: number, used: number) => (capacity > 0 ? Math.max(0, capacity - used) / capacity : 0);
  return (
    (best * (free(allocatable.cpu, requested.cpu + wanted.cpu) + free(allocatable.memory, requested.memory + wanted.memory))) / 2
  );
}

/** The sum of the weights of preferred terms, this pod's towards the others and the others' towards it, per place. */
function podPreference(pod: Pod, state: ClusterState): ((info: NodeInfo) => number) | undefined {
  const { counts, terms, namespaceLabels } = state;
  const places = new Map<string, Map<string, number>>();
  const add = ({ topologyKey }: Term, weight: number, byNode: ReadonlyMap<string, number>) => {
    const values = places.get(topologyKey) ?? new Map<string, number>();
    for (const [node, count] of byNode) {
      const value = state.label(node, topologyKey);
      if (value !== undefined) values.set(value, (values.get(value) ?? 0) + weight * count);
    }
    if (values.size > 0) places.set(topologyKey, values);
  };
  for (const { weight, term } of preferredTerms(pod)) add(term, weight, counts.of(termsQuery([term], namespaceLabels)));
  for (const { term, weight, byNode } of terms.preferring()) {
    if (termSelects(term, pod, namespaceLabels)) add(term, weight, byNode);
  }
  if (places.size === 0) return undefined;
  return ({ node }) => {
    let sum = 0;
    for (const [key, values] of places) sum += values.get(node.metadata.labels?.[key] ?? "") ?? 0;
    return sum;
  };
}
