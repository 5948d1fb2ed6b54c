import type { Deployment, EventObject, KubernetesObject, Metadata, Node, Pod, ReplicaSet } from "./objects.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** The metadata without what is long and never shown. */
function trimMetadata(metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, labels, ownerReferences } =
    metadata;
  const annotations = metadata.annotations && { ...metadata.annotations };
  if (annotations) delete annotations[lastApplied];
  return {
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    labels,
    annotations,
    ownerReferences,
  };
}

/** Each drops from an object, on arrival, what Switchyard never reads from its copies. */
export const trim = {
  deployment: ({ metadata, spec, status }: Deployment): Deployment => ({ metadata: trimMetadata(metadata), spec, status }),
  replicaSet: ({ metadata, spec, status }: ReplicaSet): ReplicaSet => ({ metadata: trimMetadata(metadata), spec, status }),
  pod: ({ metadata, spec, status }: Pod): Pod => ({
    metadata: trimMetadata(metadata),
    spec: {
      nodeName: spec.nodeName,
      containers: spec.containers.map(({ name, image }) => ({ name, image })),
      initContainers: spec.initContainers?.map(({ name, image, restartPolicy }) => ({ name, image, restartPolicy })),
      readinessGates: spec.readinessGates,
    },
    status,
  }),
  event: (event: EventObject): EventObject => ({ ...event, metadata: trimMetadata(event.metadata) }),
  node: ({ metadata, spec, status }: Node): Node => ({
    metadata: trimMetadata(metadata),
    spec: { unschedulable: spec?.unschedulable },
    status: { conditions: status?.conditions, addresses: status?.addresses },
  }),
} satisfies Record<string, (object: never) => KubernetesObject>;
