import { type Cluster, type KubeObject, type NewObject, type ResourceId, resources, StatusError } from "../api.ts";
import { apiServerClusterIP, type Network } from "../network.ts";

/** Makes what exists in every cluster: the first namespaces, the storage class, the service of the API server. */
export async function ensureFirstObjects(cluster: Cluster, port: number, network: Network): Promise<void> {
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
    await createMissing(cluster, resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  await createMissing(cluster, resources.storageClasses, {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "switchyard.dev/local",
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
  });
  const metadata = { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } };
  await createMissing(cluster, resources.services, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: apiServerClusterIP(network), ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port }] },
  });
  const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "https", port, protocol: "TCP" }] }];
  const endpoints = { apiVersion: "v1", kind: "Endpoints", metadata: { name: "kubernetes", namespace: "default" }, subsets };
  await createMissing(cluster, resources.endpoints, endpoints);
  const stored = cluster.get(resources.endpoints, "default", "kubernetes");
  if (stored) await cluster.update(resources.endpoints, { ...stored, subsets });
}

async function createMissing(cluster: Cluster, id: ResourceId, object: NewObject<KubeObject>): Promise<void> {
  if (cluster.get(id, object.metadata.namespace ?? "", object.metadata.name ?? "")) return;
  try {
    await cluster.create(id, object);
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === "AlreadyExists")) throw error;
  }
}
