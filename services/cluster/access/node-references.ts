import { type Cluster, type KubeObject, resources } from "../api.ts";

type Named = { name?: string };
type Source = {
  secret?: { secretName?: string; name?: string };
  configMap?: Named;
  persistentVolumeClaim?: { claimName?: string };
  projected?: { sources?: { secret?: Named; configMap?: Named }[] };
};
type Container = {
  env?: { valueFrom?: { secretKeyRef?: Named; configMapKeyRef?: Named } }[];
  envFrom?: { secretRef?: Named; configMapRef?: Named }[];
};
type Pod = KubeObject & {
  spec: {
    nodeName?: string;
    containers?: Container[];
    initContainers?: Container[];
    imagePullSecrets?: Named[];
    volumes?: Source[];
  };
};
type Claim = KubeObject & { spec: { volumeName?: string } };

/** The kinds that a node reads only by the pods that are bound to it. */
const guarded = new Set(["secrets", "configmaps", "persistentvolumeclaims", "persistentvolumes"]);

export function isGuarded(group: string, resource: string): boolean {
  return group === "" && guarded.has(resource);
}

/** Whether a pod of the node needs an object. Source: plugin/pkg/auth/authorizer/node/graph.go. */
export function isNeededBy(
  cluster: Pick<Cluster, "get" | "list">,
  node: string,
  { resource, namespace, name }: { resource: string; namespace: string; name: string },
): boolean {
  const pods = cluster.list<Pod>(resources.pods, { namespace }).filter(({ spec }) => spec.nodeName === node);
  if (resource !== "persistentvolumes") return pods.some((pod) => namesIn(pod, resource).includes(name));
  return pods.some((pod) =>
    namesIn(pod, "persistentvolumeclaims").some((claim = "") => {
      const stored = cluster.get<Claim>(resources.persistentVolumeClaims, pod.metadata.namespace ?? "", claim);
      return stored?.spec.volumeName === name;
    }),
  );
}

function namesIn({ spec }: Pod, resource: string): (string | undefined)[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const env = containers.flatMap((container) => container.env ?? []);
  const envFrom = containers.flatMap((container) => container.envFrom ?? []);
  const volumes = spec.volumes ?? [];
  const projected = volumes.flatMap((volume) => volume.projected?.sources ?? []);
  if (resource === "persistentvolumeclaims") return volumes.map((volume) => volume.persistentVolumeClaim?.claimName);
  if (resource === "configmaps") {
    return [
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
      ...[...volumes, ...projected].map(({ configMap }) => configMap?.name),
    ];
  }
  return [
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...volumes.map(({ secret }) => secret?.secretName),
    ...projected.map(({ secret }) => secret?.name),
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
  ];
}
