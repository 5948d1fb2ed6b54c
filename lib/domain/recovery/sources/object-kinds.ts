/** The kinds of objects that a service consists of, in the order in which they are made. */
export const objectKinds = [
  { kind: "ServiceAccount", apiVersion: "v1", plural: "serviceaccounts" },
  { kind: "ConfigMap", apiVersion: "v1", plural: "configmaps" },
  { kind: "Secret", apiVersion: "v1", plural: "secrets" },
  { kind: "PersistentVolumeClaim", apiVersion: "v1", plural: "persistentvolumeclaims" },
  { kind: "Service", apiVersion: "v1", plural: "services" },
  { kind: "NetworkPolicy", apiVersion: "networking.k8s.io/v1", plural: "networkpolicies" },
  { kind: "PodDisruptionBudget", apiVersion: "policy/v1", plural: "poddisruptionbudgets" },
  { kind: "Deployment", apiVersion: "apps/v1", plural: "deployments" },
  { kind: "StatefulSet", apiVersion: "apps/v1", plural: "statefulsets" },
  { kind: "HorizontalPodAutoscaler", apiVersion: "autoscaling/v2", plural: "horizontalpodautoscalers" },
  { kind: "VirtualService", apiVersion: "networking.istio.io/v1", plural: "virtualservices" },
  { kind: "HTTPRoute", apiVersion: "gateway.networking.k8s.io/v1", plural: "httproutes" },
  { kind: "Ingress", apiVersion: "networking.k8s.io/v1", plural: "ingresses" },
] as const;

export type ObjectKind = (typeof objectKinds)[number]["kind"];

const byKind = new Map(objectKinds.map((entry, order) => [entry.kind as string, { ...entry, order }]));

/** The API's address of a kind in a namespace. Throws for a kind that is not one of these. */
export function collectionPath(kind: string, namespace: string): string {
  const { apiVersion, plural } = entryOf(kind);
  const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export function objectPath(kind: string, namespace: string, name: string): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

export function apiVersionOf(kind: string): string {
  return entryOf(kind).apiVersion;
}

/** Sorts objects so that what others need comes before them. */
export function inOrder<T extends { kind: string }>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => entryOf(a.kind).order - entryOf(b.kind).order);
}

function entryOf(kind: string) {
  const entry = byKind.get(kind);
  if (entry) return entry;
  throw new Error(`A backup holds no objects of kind ${kind}.`);
}
