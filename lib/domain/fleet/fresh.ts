import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import {
  type ControllerRevision,
  paths,
  type ReplicaSet,
  type TemplateRevision,
  type Workload,
  type WorkloadKind,
} from "#lib/kubernetes/objects.ts";
import { readControllerRevision, readReplicaSet } from "#lib/kubernetes/workloads.ts";
import type { ServiceRef } from "./schemas.ts";
import { isOwnedBy } from "./template.ts";

/** Reads of the cluster itself, for what must not rest on the shared copies: they may be behind. */

/** The Deployment of that name, or else the StatefulSet; throws KubernetesError (404) when there is neither. */
export async function fetchWorkload(kubernetes: KubernetesClient, { namespace, name }: ServiceRef): Promise<Workload> {
  const read = (kind: WorkloadKind) => kubernetes.get<Workload>(paths.workload(kind, namespace, name));
  return read("Deployment").catch((missing: unknown) => {
    if (!isMissing(missing)) throw missing;
    return read("StatefulSet").catch((error: unknown) => {
      throw isMissing(error) ? missing : error;
    });
  });
}

/** As fetchWorkload, but null when there is none. */
export async function findWorkload(kubernetes: KubernetesClient, ref: ServiceRef): Promise<Workload | null> {
  return fetchWorkload(kubernetes, ref).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}

/** The workload's history. */
export async function fetchRevisions(kubernetes: KubernetesClient, workload: Workload): Promise<TemplateRevision[]> {
  const { namespace = "", uid } = workload.metadata;
  const query = { labelSelector: selectorOf(workload) };
  const all =
    workload.kind === "Deployment"
      ? (await kubernetes.list<ReplicaSet>(paths.replicaSetsOf(namespace), query)).map(readReplicaSet)
      : (await kubernetes.list<ControllerRevision>(paths.controllerRevisionsOf(namespace), query)).map(readControllerRevision);
  return all.filter((revision) => isOwnedBy(revision, uid));
}

/** The workload's label selector as the API takes it. */
export function selectorOf({ spec }: Workload): string | undefined {
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.join(",") || undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 404;
}
