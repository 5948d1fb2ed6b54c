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
import type { Shape } from "./pick-json.ts";
import { readControllerRevision, readReplicaSet, readWorkload } from "./workloads.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** The metadata without what is long and never shown. */
function trimMetadata(metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, labels, ownerReferences } =
    metadata;
  return {
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    labels,
    annotations: withoutLastApplied(metadata.annotations),
    ownerReferences,
  };
}

/** Only what has the long annotation is copied: the others share their object. */
function withoutLastApplied(annotations: Metadata["annotations"]): Metadata["annotations"] {
  if (annotations?.[lastApplied] === undefined) return annotations;
  const { [lastApplied]: _, ...rest } = annotations;
  return rest;
}

const whole = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, true]));
const keptMetadata: Shape = {
  ...whole("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"),
  labels: "shared",
  annotations: "shared",
  ownerReferences: "shared",
};
const keptState: Shape = {
  waiting: whole("reason", "message"),
  running: whole("startedAt"),
  terminated: whole("exitCode", "signal", "reason", "message", "finishedAt"),
};
const keptContainerStatus: Shape = {
  ...whole("name", "ready", "started", "restartCount", "image"),
  state: keptState,
  lastState: keptState,
};

/** What `trim.pod` takes of a pod, so that the rest need not be decoded. Equal labels and the like become one object. */
export const keptOfPod: Shape = {
  metadata: keptMetadata,
  spec: {
    nodeName: true,
    containers: whole("name", "image"),
    initContainers: whole("name", "image", "restartPolicy"),
    readinessGates: true,
  },
  status: {
    ...whole("phase", "reason", "message", "podIP", "startTime"),
    conditions: whole("type", "status", "reason", "message"),
    containerStatuses: keptContainerStatus,
    initContainerStatuses: keptContainerStatus,
  },
};

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
