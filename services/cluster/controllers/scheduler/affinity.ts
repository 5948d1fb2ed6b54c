import type { Labels, Namespace, Node, NodeSelectorTerm, Pod, PodAffinityTerm } from "../objects.ts";
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

/** Whether `other` is one of the pods that a term of `pod` speaks of. */
export function termSelects(term: PodAffinityTerm, pod: Pod, other: Pod, labelsOf: NamespaceLabels): boolean {
  if (!matchesSelector(term.labelSelector, other.metadata.labels)) return false;
  const namespace = other.metadata.namespace ?? "";
  const { namespaces = [], namespaceSelector } = term;
  if (namespaces.length === 0 && !namespaceSelector) return namespace === pod.metadata.namespace;
  return namespaces.includes(namespace) || (!!namespaceSelector && matchesSelector(namespaceSelector, labelsOf(namespace)));
}

export function requiredTerms(pod: Pod, kind: "podAffinity" | "podAntiAffinity"): PodAffinityTerm[] {
  return pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

export function hasPodAffinity({ spec }: Pod): boolean {
  return spec.affinity?.podAffinity !== undefined || spec.affinity?.podAntiAffinity !== undefined;
}

export function labelsOfNamespace(namespace: Namespace | undefined): Labels | undefined {
  return namespace?.metadata.labels;
}
