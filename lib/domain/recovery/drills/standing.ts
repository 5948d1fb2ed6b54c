import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Node, type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { describeAbout } from "../../fleet/about.ts";
import { listManagedWorkloads } from "../../fleet/fresh.ts";
import { countReplicas } from "../../fleet/health.ts";
import { kindLabel, type ServiceRef } from "../../fleet/schemas.ts";
import { serviceId } from "./service-id.ts";

/** A managed service with its pods, as a drill needs to know it. */
export type Standing = {
  id: string;
  ref: ServiceRef;
  kind: string;
  workload: Workload;
  desired: number;
  ready: number;
  dependsOn: string[];
  pods: Pod[];
};

export type Cluster = { services: Standing[]; nodes: Node[] };

/** The managed services and the nodes as they are now. Throws KubernetesError. */
export async function readCluster(kubernetes: KubernetesClient): Promise<Cluster> {
  const [workloads, nodes] = await Promise.all([listManagedWorkloads(kubernetes), kubernetes.list<Node>(paths.nodes)]);
  const namespaces = [...new Set(workloads.map(({ metadata }) => metadata.namespace ?? ""))];
  const pods = (await Promise.all(namespaces.map((namespace) => kubernetes.list<Pod>(paths.podsOf(namespace))))).flat();
  const services = workloads.map((workload): Standing => {
    const ref = { namespace: workload.metadata.namespace ?? "", name: workload.metadata.name };
    const { desired, ready } = countReplicas(workload);
    return {
      id: serviceId(ref),
      ref,
      kind: workload.metadata.labels?.[kindLabel] ?? "",
      workload,
      desired,
      ready,
      dependsOn: describeAbout(workload).dependsOn,
      pods: pods.filter((pod) => isSelected(pod, workload)),
    };
  });
  return { services, nodes };
}

function isSelected({ metadata }: Pod, { metadata: of, spec }: Workload): boolean {
  const wanted = Object.entries(spec.selector.matchLabels ?? {});
  return (
    metadata.namespace === of.namespace && wanted.length > 0 && wanted.every(([key, value]) => metadata.labels?.[key] === value)
  );
}

/** Whether a pod is up and counted as ready. */
export function isServing({ metadata, status }: Pod): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
  return isReady && metadata.deletionTimestamp === undefined;
}

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}

type Linked = Pick<Standing, "id" | "dependsOn">;

/** What is struck and everything that needs it, however far away. Pure. */
export function listAffected(services: readonly Linked[], struck: readonly string[]): string[] {
  const affected = new Set(struck);
  for (let before = -1; before !== affected.size; ) {
    before = affected.size;
    for (const { id, dependsOn } of services) if (dependsOn.some((one) => affected.has(one))) affected.add(id);
  }
  return [...affected];
}

/** What a service depends on, however far away, each after what it depends on itself. Pure. */
export function listDependencies(services: readonly Linked[], id: string): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (one: string) => {
    if (seen.has(one)) return;
    seen.add(one);
    for (const next of services.find((service) => service.id === one)?.dependsOn ?? []) visit(next);
    found.add(one);
  };
  visit(id);
  found.delete(id);
  return [...found];
}

/** Services that want more instances than are ready. */
export function listUnwell(services: readonly Pick<Standing, "id" | "desired" | "ready">[]): string[] {
  return services.filter(({ desired, ready }) => ready < desired).map(({ id }) => id);
}
