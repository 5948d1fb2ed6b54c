import { stringify } from "yaml";
import type { KubernetesObject, Pod, PodTemplate, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { hashLabels, numberOf } from "#lib/kubernetes/workloads.ts";
import { kindLabel } from "./schemas.ts";

const canonicalTexts = new WeakMap<PodTemplate, string>();

/** The template as text that is equal exactly when two templates are equal (kubectl's equalIgnoreHash). */
export function canonicalTemplate(template: PodTemplate): string {
  let text = canonicalTexts.get(template);
  if (text === undefined) {
    text = JSON.stringify(sortKeys(template));
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

/** The template as YAML for people, equal for equal templates, without the empty creation time that the API adds. */
export function templateYaml(template: PodTemplate): string {
  const { metadata, ...rest } = template;
  const { creationTimestamp: _, ...shown } = metadata ?? {};
  return stringify({ metadata: shown, ...rest }, { lineWidth: 0, sortMapEntries: namesFirst });
}

/** Whoever has written it last, its keys stand in one order: a difference is one of content. */
function namesFirst(a: { key: unknown }, b: { key: unknown }): number {
  const [left, right] = [String(a.key), String(b.key)];
  if (left === right) return 0;
  if (left === "name" || right === "name") return left === "name" ? -1 : 1;
  return left < right ? -1 : 1;
}

/** The oldest of the workload's revisions that has its present template (the controller's FindNewReplicaSet). */
export function findCurrentRevision(workload: Workload, revisions: readonly TemplateRevision[]): TemplateRevision | undefined {
  const wanted = canonicalTemplate(workload.spec.template);
  return revisions
    .filter(({ template }) => canonicalTemplate(template) === wanted)
    .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || byName(a, b))[0];
}

function byName(a: KubernetesObject, b: KubernetesObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The number that the cluster has given to the workload's latest template, or null before it has. */
export function presentRevision(workload: Workload, revisions: readonly TemplateRevision[]): number | null {
  if (workload.kind === "Deployment") return numberOf(workload.metadata.annotations);
  return revisions.find(({ hash }) => hash === workload.status?.updateRevision)?.number ?? null;
}

/** The value by which a pod names its template, or the empty text. */
export function hashOfPod({ metadata }: Pod): string {
  return hashLabels.map((label) => metadata.labels?.[label]).find(Boolean) ?? "";
}

/** Whether the workload is a service of Switchyard's: it has the label that says of which kind. */
export function isManaged({ metadata }: Workload): boolean {
  return metadata.labels?.[kindLabel] !== undefined;
}

/** Whether the object belongs to the workload by its controller reference. */
export function isOwnedBy({ metadata }: KubernetesObject, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller) ?? false;
}
