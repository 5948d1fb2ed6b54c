import type { JsonPatch, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../errors.ts";
import { canonicalTemplate } from "../fleet/template.ts";

// kubernetes/kubectl, pkg/polymorphichelpers/rollback.go, annotationsToSkip: these stay the Deployment's own.
const keptAnnotations = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deployment.kubernetes.io/revision",
  "deployment.kubernetes.io/revision-history",
  "deployment.kubernetes.io/desired-replicas",
  "deployment.kubernetes.io/max-replicas",
  "deprecated.deployment.rollback.to",
]);

/** The revision of that number; 0 means the second highest there is. Throws precondition-failed, as kubectl errs. */
export function findRevision(workload: Workload, revisions: readonly TemplateRevision[], toRevision: number): TemplateRevision {
  const numbered = revisions.filter(({ number }) => number !== null).toSorted((a, b) => (b.number ?? 0) - (a.number ?? 0));
  const found = toRevision === 0 ? numbered[1] : numbered.find(({ number }) => number === toRevision);
  if (found) return found;
  const { name } = workload.metadata;
  const missing = toRevision === 0 ? "no earlier revision to roll back to" : `no revision ${toRevision} in its history`;
  throw new DomainError("precondition-failed", `${name} has ${missing}.`);
}

/** Whether a rollback would change nothing. */
export function isSameTemplate(workload: Workload, revision: TemplateRevision): boolean {
  return canonicalTemplate(workload.spec.template) === canonicalTemplate(revision.template);
}

/**
 * kubectl's patch. The revision's template replaces the present one; a Deployment's annotations become the ReplicaSet's too, but
 * for those that stay.
 */
export function rollbackPatch({ kind, metadata }: Workload, revision: TemplateRevision): JsonPatch {
  const template = { op: "replace", path: "/spec/template", value: revision.template } as const;
  if (kind === "StatefulSet") return [template];
  const present = metadata.annotations;
  const annotations = {
    ...Object.fromEntries(Object.entries(present ?? {}).filter(([name]) => keptAnnotations.has(name))),
    ...Object.fromEntries(Object.entries(revision.metadata.annotations ?? {}).filter(([name]) => !keptAnnotations.has(name))),
  };
  return [template, { op: present ? "replace" : "add", path: "/metadata/annotations", value: annotations }];
}
