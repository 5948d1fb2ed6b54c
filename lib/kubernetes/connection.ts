import { existsSync } from "node:fs";
import { KubernetesClient } from "./client.ts";
import { inClusterAccess, readKubeconfig } from "./cluster-access.ts";

/** How to reach the cluster: a kubeconfig by its path, or the credentials that a pod is given. */
export type KubernetesAccess = { kubeconfig?: string; inCluster: boolean };

export const serviceAccountTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Whether this process runs in a pod with a service account. */
export function hasInClusterAccess(env: Record<string, string | undefined>): boolean {
  return Boolean(env.KUBERNETES_SERVICE_HOST) && existsSync(serviceAccountTokenPath);
}

/**
 * Connects by the named kubeconfig, else by the pod's service account. A person's own ~/.kube/config or KUBECONFIG is never
 * read. Throws an Error that says what is wanted when there is neither.
 */
export function connectKubernetes({ kubeconfig, inCluster }: KubernetesAccess): KubernetesClient {
  if (kubeconfig) return new KubernetesClient(readKubeconfig(kubeconfig));
  if (inCluster) return new KubernetesClient(inClusterAccess(process.env));
  throw new Error("no cluster: set SWITCHYARD_KUBECONFIG, or run in a pod with a service account");
}
