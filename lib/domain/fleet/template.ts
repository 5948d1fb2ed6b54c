import { stringify } from "yaml";
import type { Deployment, PodTemplate, ReplicaSet } from "#lib/kubernetes/objects.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const hashLabel = "pod-template-hash";

/** The template without the label that the Deployment controller adds to each ReplicaSet's copy. */
export function withoutHash(template: PodTemplate): PodTemplate {
  if (template.metadata?.labels?.[hashLabel] === undefined) return template;
  const { [hashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

const canonicalTexts = new WeakMap<PodTemplate, string>();

/** The template as text that is equal exactly when two templates are equal, the hash label ignored (kubectl's equalIgnoreHash). */
export function canonicalTemplate(template: PodTemplate): string {
  let text = canonicalTexts.get(template);
  if (text === undefined) {
    text = JSON.stringify(sortKeys(withoutHash(template)));
    canonicalTexts.set(template, text);
  }
  return text;
}

/** Sorted keys; null, empty objects and empty lists count as absent, as in Kubernetes' semantic equality. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, entry]) => !isAbsent(entry))
    .map(([key, entry]) => [key, sortKeys(entry)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An empty volume source such as `emptyDir: {}` says something, so only an empty map of strings or a list is dropped. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** The template as YAML for people, without the hash label and the empty creation time that the API adds. */
export function templateYaml(template: PodTemplate): string {
  const { metadata, ...rest } = withoutHash(template);
  const { creationTimestamp: _, ...shown } = metadata ?? {};
  return stringify({ metadata: shown, ...rest }, { lineWidth: 0 });
}

/** The revision that a ReplicaSet or a Deployment carries, or null before the controller has set it. */
export function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): number | null {
  const value = Number.parseInt(object.metadata.annotations?.[revisionAnnotation] ?? "", 10);
  return Number.isNaN(value) ? null : value;
}

/** The oldest of the Deployment's ReplicaSets that has its present template (the controller's FindNewReplicaSet). */
export function findCurrentReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = canonicalTemplate(deployment.spec.template);
  return replicaSets
    .filter((replicaSet) => canonicalTemplate(replicaSet.spec.template) === wanted)
    .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || byName(a, b))[0];
}

function byName(a: ReplicaSet, b: ReplicaSet): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The pod-template-hash of a ReplicaSet, or the empty text. */
export function hashOf(replicaSet: ReplicaSet | undefined): string {
  return replicaSet?.metadata.labels?.[hashLabel] ?? "";
}

/** Whether the object belongs to the Deployment by its controller reference. */
export function isOwnedBy(
  object: { metadata: { ownerReferences?: { uid: string; controller?: boolean }[] } },
  uid: string,
): boolean {
  return object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller) ?? false;
}
