import { type KubeObject, type NewObject, type ResourceId, resources, StatusError } from "../api.ts";
import { apiServerClusterIP, type Network } from "../network.ts";
import type { Registry } from "./registry.ts";

/** Makes what exists in every cluster: the first namespaces, the storage class, the service of the API server. */
export async function ensureFirstObjects(registry: Registry, port: number, network: Network): Promise<void> {
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
    await createMissing(registry, resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  await createMissing(registry, resources.storageClasses, {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "switchyard.dev/local",
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
  });
  const metadata = { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } };
  await createMissing(registry, resources.services, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: apiServerClusterIP(network), ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port }] },
  });
  const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "https", port, protocol: "TCP" }] }];
  const endpoints = { apiVersion: "v1", kind: "Endpoints", metadata: { name: "kubernetes", namespace: "default" }, subsets };
  await createMissing(registry, resources.endpoints, endpoints);
  const stored = registry.get(resources.endpoints, "default", "kubernetes");
  if (stored) await registry.update(resources.endpoints, { ...stored, subsets });
}

async function createMissing(registry: Registry, id: ResourceId, object: NewObject<KubeObject>): Promise<void> {
  if (registry.get(id, object.metadata.namespace ?? "", object.metadata.name ?? "")) return;
  try {
    await registry.create(id, object);
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === "AlreadyExists")) throw error;
  }
}
