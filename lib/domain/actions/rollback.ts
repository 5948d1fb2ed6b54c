import type { Deployment, JsonPatch, ReplicaSet } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../errors.ts";
import { canonicalTemplate, revisionOf, withoutHash } from "../fleet/template.ts";

// kubernetes/kubectl, pkg/polymorphichelpers/rollback.go, annotationsToSkip: these stay the Deployment's own.
const keptAnnotations = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deployment.kubernetes.io/revision",
  "deployment.kubernetes.io/revision-history",
  "deployment.kubernetes.io/desired-replicas",
  "deployment.kubernetes.io/max-replicas",
  "deprecated.deployment.rollback.to",
]);

/** The ReplicaSet of a revision; 0 means the second highest there is. Throws precondition-failed, as kubectl errs. */
export function findRevision(deployment: Deployment, replicaSets: readonly ReplicaSet[], toRevision: number): ReplicaSet {
  const numbered = replicaSets
    .map((replicaSet) => ({ replicaSet, revision: revisionOf(replicaSet) }))
    .filter((entry): entry is { replicaSet: ReplicaSet; revision: number } => entry.revision !== null)
    .toSorted((a, b) => b.revision - a.revision);
  if (toRevision === 0) {
    const previous = numbered[1];
    if (previous) return previous.replicaSet;
    throw new DomainError("precondition-failed", `${deployment.metadata.name} has no earlier revision to roll back to.`);
  }
  const found = numbered.find(({ revision }) => revision === toRevision);
  if (found) return found.replicaSet;
  throw new DomainError("precondition-failed", `${deployment.metadata.name} has no revision ${toRevision} in its history.`);
}

/** Whether a rollback would change nothing. */
export function isSameTemplate(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  return canonicalTemplate(deployment.spec.template) === canonicalTemplate(replicaSet.spec.template);
}

/** kubectl's patch: the ReplicaSet's template and annotations replace the Deployment's, but for the annotations that stay. */
export function rollbackPatch(deployment: Deployment, replicaSet: ReplicaSet): JsonPatch {
  const present = deployment.metadata.annotations;
  const annotations = {
    ...Object.fromEntries(Object.entries(present ?? {}).filter(([name]) => keptAnnotations.has(name))),
    ...Object.fromEntries(Object.entries(replicaSet.metadata.annotations ?? {}).filter(([name]) => !keptAnnotations.has(name))),
  };
  return [
    { op: "replace", path: "/spec/template", value: withoutHash(replicaSet.spec.template) },
    { op: present ? "replace" : "add", path: "/metadata/annotations", value: annotations },
  ];
}
