import type { ControllerRevision, PodTemplate, ReplicaSet, TemplateRevision, Workload, WorkloadKind } from "./objects.ts";

/** How Deployments and StatefulSets say the same things in different places, read into one form. */

export const revisionAnnotation = "deployment.kubernetes.io/revision";

/** The labels by which a pod names its template: a Deployment's pod and a StatefulSet's. */
export const hashLabels = ["pod-template-hash", "controller-revision-hash"] as const;

/** A workload with its kind, which the items of a list do not carry. */
export function readWorkload(kind: WorkloadKind, object: Omit<Workload, "kind">): Workload {
  return { ...object, kind };
}

/** The revision that a ReplicaSet holds. */
export function readReplicaSet({ metadata, spec, status }: ReplicaSet): TemplateRevision {
  return {
    metadata,
    number: numberOf(metadata.annotations),
    hash: metadata.labels?.[hashLabels[0]] ?? "",
    template: withoutHash(spec.template),
    replicas: status?.replicas ?? 0,
  };
}

/** The revision that a ControllerRevision holds. */
export function readControllerRevision({ metadata, revision, data }: ControllerRevision): TemplateRevision {
  const { $patch: _, ...template } = data.spec.template;
  return { metadata, number: revision, hash: metadata.name, template, replicas: null };
}

/** The revision that a Deployment or ReplicaSet is annotated with, or null before the controller has set it. */
export function numberOf(annotations: Record<string, string> | undefined): number | null {
  const value = Number.parseInt(annotations?.[revisionAnnotation] ?? "", 10);
  return Number.isNaN(value) ? null : value;
}

/** The template without the label that the Deployment controller adds to each ReplicaSet's copy. */
function withoutHash(template: PodTemplate): PodTemplate {
  if (template.metadata?.labels?.[hashLabels[0]] === undefined) return template;
  const { [hashLabels[0]]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}
