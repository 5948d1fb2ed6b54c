import type { LabelSelector, Pod } from "../objects.ts";
import { matchesSelector } from "../selectors.ts";
import { type NamespaceLabels, type Term, termSelects } from "./affinity.ts";

/** A question about placed pods: how many of these are on which node. Pods with equal constraints ask the same question. */
export type PodQuery = {
  key: string;
  /** Where the pods that may match are found: a label of a namespace, a namespace, or everywhere. */
  bucket: string;
  readsNamespaceLabels: boolean;
  matches(pod: Pod): boolean;
};

type Counter = { query: PodQuery; byNode: Map<string, number> };
type Placed = { pod: Pod; node: string };

const everywhere = "*";
const mostCounters = 1024;

/** The pods that all of the terms speak of. */
export function termsQuery(terms: readonly Term[], labelsOf: NamespaceLabels): PodQuery {
  const [first] = terms;
  const isLocal = terms.length === 1 && first?.namespaces.length === 1 && !first.namespaceSelector;
  return {
    key: `terms ${JSON.stringify(terms.map(({ topologyKey: _, ...rest }) => rest))}`,
    bucket: isLocal ? bucketOf(first.namespaces[0] ?? "", first.selector) : everywhere,
    readsNamespaceLabels: terms.some(({ namespaceSelector }) => namespaceSelector !== undefined),
    matches: (pod) => terms.every((term) => termSelects(term, pod, labelsOf)),
  };
}

/** The pods of a namespace with these labels that are not being deleted. */
export function livePodsQuery(namespace: string, selector: LabelSelector | undefined): PodQuery {
  return {
    key: `live ${namespace} ${JSON.stringify(selector)}`,
    bucket: bucketOf(namespace, selector),
    readsNamespaceLabels: false,
    matches: ({ metadata }) =>
      metadata.namespace === namespace && !metadata.deletionTimestamp && matchesSelector(selector, metadata.labels),
  };
}

function bucketOf(namespace: string, selector: LabelSelector | undefined): string {
  const [label] = Object.entries(selector?.matchLabels ?? {});
  return label ? `${namespace}/${label[0]}=${label[1]}` : `${namespace}/`;
}

/**
 * Keeps the answers to the questions that pods' constraints ask, so that placing a pod does not look at the other pods: a
 * question is counted once over all pods, and follows every change from then on.
 */
export class PodCounts {
  readonly #counters = new Map<string, Counter>();
  readonly #buckets = new Map<string, Set<Counter>>();
  readonly #placed: () => Iterable<Placed>;

  constructor(placed: () => Iterable<Placed>) {
    this.#placed = placed;
  }

  /** By node; a node that is not there has none. */
  of(query: PodQuery): ReadonlyMap<string, number> {
    const known = this.#counters.get(query.key);
    if (known) {
      // The map keeps the order of use: the oldest question is forgotten first.
      this.#counters.delete(query.key);
      this.#counters.set(query.key, known);
      return known.byNode;
    }
    const counter: Counter = { query, byNode: new Map() };
    for (const { pod, node } of this.#placed()) if (query.matches(pod)) add(counter.byNode, node, 1);
    this.#counters.set(query.key, counter);
    const bucket = this.#buckets.get(query.bucket);
    if (bucket) bucket.add(counter);
    else this.#buckets.set(query.bucket, new Set([counter]));
    if (this.#counters.size > mostCounters) for (const oldest of this.#counters.values()) return this.#forget(oldest, counter);
    return counter.byNode;
  }

  /** A pod was placed (1) or went away (-1). */
  count(pod: Pod, node: string, change: 1 | -1): void {
    const { namespace = "", labels = {} } = pod.metadata;
    this.#countIn(everywhere, pod, node, change);
    this.#countIn(`${namespace}/`, pod, node, change);
    for (const key in labels) this.#countIn(`${namespace}/${key}=${labels[key]}`, pod, node, change);
  }

  /** The labels of a namespace have changed, by which some terms select. */
  forgetNamespaceLabels(): void {
    for (const counter of [...this.#counters.values()]) if (counter.query.readsNamespaceLabels) this.#forget(counter, counter);
  }

  #countIn(bucket: string, pod: Pod, node: string, change: 1 | -1): void {
    for (const { query, byNode } of this.#buckets.get(bucket) ?? []) if (query.matches(pod)) add(byNode, node, change);
  }

  #forget(counter: Counter, wanted: Counter): ReadonlyMap<string, number> {
    const { key, bucket } = counter.query;
    this.#counters.delete(key);
    const neighbours = this.#buckets.get(bucket);
    neighbours?.delete(counter);
    if (neighbours?.size === 0) this.#buckets.delete(bucket);
    return wanted.byNode;
  }
}

/** Adds to a count, and drops it at zero. */
export function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
