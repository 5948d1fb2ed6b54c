import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { serviceOfHost } from "#lib/kubernetes/cluster-ip.ts";
import { isPostgresUrl } from "../../actions/database-address.ts";
import { listManagedWorkloads } from "../../fleet/fresh.ts";
import { findAddresses, listWorkloadsOf } from "../sources/discover.ts";
import type { Stopped } from "./run.ts";

/** A PostgreSQL database or a Redis by its address, as a pod of the namespace understands it. */
export type DataPlace = { url: string; namespace: string };

/**
 * The workloads with instances that read one of these addresses from their environment: all of the namespaces of the places, and
 * managed ones anywhere. Throws KubernetesError.
 */
export async function findWriters(kubernetes: KubernetesClient, places: readonly DataPlace[]): Promise<Stopped[]> {
  const wanted = new Set(places.map(identify));
  const namespaces = [...new Set(places.map(({ namespace }) => namespace))];
  const lists = await Promise.all(namespaces.map((namespace) => listWorkloadsOf(kubernetes, namespace)));
  const workloads = new Map([...(await listManagedWorkloads(kubernetes)), ...lists.flat()].map((one) => [one.metadata.uid, one]));
  const writers: Stopped[] = [];
  for (const workload of workloads.values()) {
    const { kind, metadata, spec } = workload;
    const { namespace = "", name } = metadata;
    const replicas = spec.replicas ?? 1;
    if (replicas === 0) continue;
    const addresses = await findAddresses(kubernetes, namespace, workload);
    if (addresses.some(({ url }) => wanted.has(identify({ url, namespace })))) writers.push({ kind, namespace, name, replicas });
  }
  return writers.toSorted((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
}

/** The same text for two addresses that lead to the same place, whoever connects with which password. */
export function identify({ url, namespace }: DataPlace): string {
  const { hostname, port, pathname } = new URL(url);
  const service = serviceOfHost(hostname, namespace);
  const host = service ? `${service.name}.${service.namespace}` : hostname;
  return isPostgresUrl(url) ? `${host}:${port || "5432"}${pathname}` : `${host}:${port || "6379"}`;
}
