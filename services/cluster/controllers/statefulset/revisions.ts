import type { NewObject } from "../../api.ts";
import { sameTemplate, templateHash } from "../deployment/template.ts";
import type { Pod, PodTemplate } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import type { ControllerRevision, StatefulSet } from "./types.ts";

export const revisionLabel = "controller-revision-hash";
const hashLabel = "controller.kubernetes.io/hash";

/** What has to happen so that the set's template is its newest revision. */
export type RevisionPlan =
  | { action: "keep"; update: ControllerRevision }
  | { action: "raise"; update: ControllerRevision }
  | { action: "create"; revision: NewObject<ControllerRevision> };

/** An equal older revision is raised to the newest number: a rollback makes no second copy. Kubernetes: getStatefulSetRevisions. */
export function planRevision(set: StatefulSet, revisions: readonly ControllerRevision[]): RevisionPlan {
  const ordered = revisions.toSorted(oldestFirst);
  const newest = ordered.at(-1);
  const equal = ordered.findLast((one) => sameTemplate(templateOf(one), set.spec.template));
  if (!equal) return { action: "create", revision: newRevision(set, (newest?.revision ?? 0) + 1) };
  if (equal === newest) return { action: "keep", update: equal };
  return { action: "raise", update: { ...equal, revision: (newest?.revision ?? 0) + 1 } };
}

export function oldestFirst(left: ControllerRevision, right: ControllerRevision): number {
  if (left.revision !== right.revision) return left.revision - right.revision;
  const [a, b] = [left.metadata, right.metadata];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** The set as it was at a revision; only the pod template is remembered. */
export function atRevision(set: StatefulSet, revision: ControllerRevision): StatefulSet {
  return { ...set, spec: { ...set.spec, template: templateOf(revision) } };
}

/** The revisions above the history limit, oldest first, that neither the set nor a pod refers to. */
export function surplusRevisions(
  set: StatefulSet,
  revisions: readonly ControllerRevision[],
  pods: readonly Pod[],
  inUse: readonly ControllerRevision[],
): ControllerRevision[] {
  const live = new Set([...inUse.map(({ metadata }) => metadata.name), ...pods.map(revisionOf)]);
  const history = revisions.filter(({ metadata }) => !live.has(metadata.name)).toSorted(oldestFirst);
  return history.slice(0, Math.max(0, history.length - (set.spec.revisionHistoryLimit ?? 10)));
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[revisionLabel] ?? "";
}

export function templateOf(revision: ControllerRevision): PodTemplate {
  const { $patch: _, ...template } = revision.data.spec.template;
  return template;
}

function newRevision(set: StatefulSet, revision: number): NewObject<ControllerRevision> {
  const hash = templateHash(set.spec.template, set.status?.collisionCount);
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${set.metadata.name}-${hash}`,
      namespace: set.metadata.namespace,
      labels: { ...set.spec.template.metadata?.labels, [hashLabel]: hash },
      ...(set.metadata.annotations ? { annotations: set.metadata.annotations } : {}),
      ownerReferences: [controllerReference(set)],
    },
    data: { spec: { template: { ...set.spec.template, $patch: "replace" } } },
    revision,
  };
}
