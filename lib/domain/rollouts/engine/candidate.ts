import type { PodTemplate, Workload } from "#lib/kubernetes/objects.ts";
import { kindLabel } from "../../fleet/schemas.ts";
import { candidateName, candidateOfLabel, rolloutAnnotation } from "./run.ts";
import type { ServiceObject } from "./traffic.ts";

/** The new template as the candidate has it: its pods keep all labels, so that the Service selects them, and say what they are. */
export function candidateTemplate(template: PodTemplate, service: string): PodTemplate {
  const labels = { ...template.metadata?.labels, [candidateOfLabel]: service };
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The second Deployment beside a service's own. It is no service of its own, and goes when the service goes. */
export function candidateDeployment(
  stable: Workload,
  options: { rolloutId: string; template: PodTemplate; replicas: number; progressDeadlineSeconds: number },
): object {
  const { name, namespace, uid, labels = {} } = stable.metadata;
  const { [kindLabel]: _, ...kept } = labels;
  const { paused: __, ...spec } = stable.spec;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: candidateName(name),
      namespace,
      labels: { ...kept, [candidateOfLabel]: name },
      annotations: { [rolloutAnnotation]: options.rolloutId },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid }],
    },
    spec: {
      ...spec,
      replicas: options.replicas,
      progressDeadlineSeconds: Math.max(options.progressDeadlineSeconds, minReadySecondsOf(spec) + 1),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [candidateOfLabel]: name } },
      template: candidateTemplate(options.template, name),
    },
  };
}

/** The API refuses a deadline that is not longer than the time an instance has to be ready. */
function minReadySecondsOf(spec: object): number {
  return "minReadySeconds" in spec && typeof spec.minReadySeconds === "number" ? spec.minReadySeconds : 0;
}

/** The Service of the candidate's pods, to which a route gives a weight. */
export function candidateService(
  stable: Workload,
  service: ServiceObject,
  options: { rolloutId: string; selector: Record<string, string> },
): object {
  const { name, uid } = stable.metadata;
  const ports = (service.spec.ports ?? []).map(({ nodePort: _, ...port }) => port);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: candidateName(service.metadata.name),
      namespace: service.metadata.namespace,
      labels: { [candidateOfLabel]: name },
      annotations: { [rolloutAnnotation]: options.rolloutId },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid }],
    },
    spec: { selector: { ...options.selector, [candidateOfLabel]: name }, ports, sessionAffinity: service.spec.sessionAffinity },
  };
}
