import type { KubernetesClient } from "./client.ts";
import { KubernetesError } from "./errors.ts";
import { paths } from "./objects.ts";

/** A Service that a host name means inside the cluster. */
export type NamedService = { namespace: string; name: string };

/** The Service that a host name may mean in a pod of `ownNamespace`: NAME, NAME.NAMESPACE, NAME.NAMESPACE.svc...; null for other forms. */
export function serviceOfHost(hostname: string, ownNamespace: string): NamedService | null {
  const [, name, namespace = ownNamespace] =
    /^([a-z0-9][-a-z0-9]*)(?:\.([a-z0-9][-a-z0-9]*)(?:\.svc(?:\.cluster\.local)?)?)?$/.exec(hostname) ?? [];
  return name ? { namespace, name } : null;
}

/**
 * The address of the Service that a host name means: the name says nothing outside the cluster, its address does where Switchyard
 * can reach it. Undefined when there is no such Service, or it has no address. Throws KubernetesError.
 */
export async function findClusterIp(
  kubernetes: KubernetesClient,
  ownNamespace: string,
  hostname: string,
): Promise<string | undefined> {
  const named = serviceOfHost(hostname, ownNamespace);
  if (!named) return undefined;
  const path = `${paths.servicesOf(named.namespace)}/${encodeURIComponent(named.name)}`;
  const service = await kubernetes.get<{ spec: { clusterIP?: string } }>(path).catch((error: unknown) => {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  });
  const address = service?.spec.clusterIP;
  return address && address !== "None" ? address : undefined;
}
