import type { LabelSelector, Labels, Node, NodeSelectorTerm, Pod, PodAffinityTerm } from "../objects.ts";
import { matchesLabels, matchesRequirement, matchesSelector } from "../selectors.ts";

/** Whether the node has the labels that the pod's nodeSelector and required node affinity ask for. */
export function matchesNodeAffinity(pod: Pod, node: Node): boolean {
  if (!matchesLabels(pod.spec.nodeSelector, node.metadata.labels)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

/** A term with no requirement matches no node. */
export function matchesNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata.name };
  return (
    matchExpressions.every((requirement) => matchesRequirement(requirement, node.metadata.labels)) &&
    matchFields.every((requirement) => matchesRequirement(requirement, fields))
  );
}

export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** A term of one pod about other pods, complete in itself: pods with equal terms share it. */
export type Term = {
  topologyKey: string;
  selector: LabelSelector | undefined;
  namespaces: readonly string[];
  namespaceSelector?: LabelSelector;
};

/** The namespaces of a term without any are the pod's own; matchLabelKeys take the pod's own values. */
export function termOf(term: PodAffinityTerm, { metadata }: Pod): Term {
  const { topologyKey, labelSelector, namespaces = [], namespaceSelector, matchLabelKeys, mismatchLabelKeys } = term;
  const isOwn = namespaces.length === 0 && !namespaceSelector;
  return {
    topologyKey,
    selector: withLabelKeys(labelSelector, metadata.labels, matchLabelKeys, mismatchLabelKeys),
    namespaces: isOwn ? [metadata.namespace ?? ""] : namespaces,
    ...(namespaceSelector ? { namespaceSelector } : {}),
  };
}

/** The selector with a pod's own values of these labels required (or excluded). Labels that the pod does not have are left out. */
export function withLabelKeys(
  selector: LabelSelector | undefined,
  labels: Labels | undefined,
  same: readonly string[] = [],
  different: readonly string[] = [],
): LabelSelector | undefined {
  const requirements = (keys: readonly string[], operator: string) =>
    keys.flatMap((key) => {
      const value = labels?.[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const added = [...requirements(same, "In"), ...requirements(different, "NotIn")];
  if (!selector || added.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] };
}

/** Whether the pod is one of those that the term speaks of. */
export function termSelects({ selector, namespaces, namespaceSelector }: Term, pod: Pod, labelsOf: NamespaceLabels): boolean {
  if (!matchesSelector(selector, pod.metadata.labels)) return false;
  const namespace = pod.metadata.namespace ?? "";
  return namespaces.includes(namespace) || (!!namespaceSelector && matchesSelector(namespaceSelector, labelsOf(namespace)));
}

export function requiredTerms(pod: Pod, kind: "podAffinity" | "podAntiAffinity"): Term[] {
  const terms = pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map((term) => termOf(term, pod));
}

/** The preferred terms of a pod; a wish to be apart has a negative weight. */
export function preferredTerms(pod: Pod): { weight: number; term: Term }[] {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const near = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const apart = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...near.map(({ weight, podAffinityTerm }) => ({ weight, term: termOf(podAffinityTerm, pod) })),
    ...apart.map(({ weight, podAffinityTerm }) => ({ weight: -weight, term: termOf(podAffinityTerm, pod) })),
  ];
}

export function hasPodAffinity({ spec }: Pod): boolean {
  return spec.affinity?.podAffinity !== undefined || spec.affinity?.podAntiAffinity !== undefined;
}
