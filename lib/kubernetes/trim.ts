import type {
  ControllerRevision,
  EventObject,
  KubernetesObject,
  Metadata,
  Node,
  Pod,
  ReplicaSet,
  TemplateRevision,
  Workload,
} from "./objects.ts";
import { readControllerRevision, readReplicaSet, readWorkload } from "./workloads.ts";

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

/** Each takes from an object, on arrival, what Switchyard reads, in the form in which it reads it. */
export const trim = {
  deployment: ({ metadata, spec, status }: Workload): Workload =>
    readWorkload("Deployment", { metadata: trimMetadata(metadata), spec, status }),
  statefulSet: ({ metadata, spec, status }: Workload): Workload =>
    readWorkload("StatefulSet", { metadata: trimMetadata(metadata), spec, status }),
  replicaSet: (object: ReplicaSet): TemplateRevision => readReplicaSet({ ...object, metadata: trimMetadata(object.metadata) }),
  controllerRevision: (object: ControllerRevision): TemplateRevision =>
    readControllerRevision({ ...object, metadata: trimMetadata(object.metadata) }),
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
