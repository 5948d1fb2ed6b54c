import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type PodTemplate, paths } from "#lib/kubernetes/objects.ts";
import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { candidateOfLabel } from "./run.ts";
import type { ServiceObject } from "./traffic.ts";

/** The Services that send traffic to instances of the template, by their names; none of a candidate's own. Throws KubernetesError. */
export async function listSelecting(
  kubernetes: KubernetesClient,
  namespace: string,
  template: PodTemplate,
): Promise<ServiceObject[]> {
  return filterSelecting(await kubernetes.list<ServiceObject>(paths.servicesOf(namespace)), template);
}

/** Those of the Services that select instances of the template, by their names; none of a candidate's own. */
export function filterSelecting(services: readonly ServiceObject[], template: PodTemplate): ServiceObject[] {
  return services
    .filter((service) => service.metadata.labels?.[candidateOfLabel] === undefined)
    .filter((service) => Object.keys(lastingSelector(service)).length > 0 && missingLabels(service, template).length === 0)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** What the Service selects by that instances of the template do not carry, as NAME=VALUE. */
export function missingLabels(service: ServiceObject, template: PodTemplate): string[] {
  const labels = template.metadata?.labels ?? {};
  return Object.entries(lastingSelector(service))
    .filter(([name, value]) => labels[name] !== value)
    .map(([name, value]) => `${name}=${value}`);
}

/** Without the hash by which a rollout under way pins one side. */
function lastingSelector({ spec: { selector = {} } }: ServiceObject): Record<string, string> {
  return Object.fromEntries(Object.entries(selector).filter(([name]) => !hashLabels.some((label) => label === name)));
}
