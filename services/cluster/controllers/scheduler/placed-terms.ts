import type { Pod } from "../objects.ts";
import { hasPodAffinity, preferredTerms, requiredTerms, type Term } from "./affinity.ts";
import { add } from "./pod-counts.ts";

/** A term that placed pods have about pods like the new one, and how many of them are on which node. */
export type PlacedTerm = { term: Term; weight: number; byNode: ReadonlyMap<string, number> };

type Group = { term: Term; weight: number; byNode: Map<string, number> };

/** Required affinity of placed pods draws others near with this weight, as kube-scheduler's hardPodAffinityWeight. */
const requiredAffinityWeight = 1;

/** The terms of the pods that are placed. Pods of one template have equal terms and are one group. */
export class PlacedTerms {
  readonly #refusing = new Map<string, Group>();
  readonly #preferring = new Map<string, Group>();

  /** Required anti-affinity: no pod that the term selects may come near. */
  refusing(): Iterable<PlacedTerm> {
    return this.#refusing.values();
  }

  preferring(): Iterable<PlacedTerm> {
    return this.#preferring.values();
  }

  count(pod: Pod, node: string, change: 1 | -1): void {
    if (!hasPodAffinity(pod)) return;
    for (const term of requiredTerms(pod, "podAntiAffinity")) countIn(this.#refusing, term, 0, node, change);
    for (const { weight, term } of preferredTerms(pod)) countIn(this.#preferring, term, weight, node, change);
    for (const term of requiredTerms(pod, "podAffinity")) {
      countIn(this.#preferring, term, requiredAffinityWeight, node, change);
    }
  }
}

function countIn(groups: Map<string, Group>, term: Term, weight: number, node: string, change: 1 | -1): void {
  const key = JSON.stringify([term, weight]);
  const group = groups.get(key) ?? { term, weight, byNode: new Map() };
  groups.set(key, group);
  add(group.byNode, node, change);
  if (group.byNode.size === 0) groups.delete(key);
}
