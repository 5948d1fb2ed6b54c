/**
 * The parts of Kubernetes objects that Switchyard reads, as the API's JSON has them: times are strings, unknown fields stay. The
 * generated models of client-node would turn times into Dates and drop fields that they do not know, so that a rollback could
 * lose a part of the template.
 */

export type OwnerReference = { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean };

export type Metadata = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  /** Who wrote which fields when; only read, and not kept by watches. */
  managedFields?: { manager?: string; operation?: string; time?: string; subresource?: string }[];
};

/** Any object of the API. */
export type KubernetesObject = { apiVersion?: string; kind?: string; metadata: Metadata };

export type Container = { name: string; image?: string; restartPolicy?: string };

export type PodTemplate = {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> } & Record<string, unknown>;
  spec: { containers: Container[]; initContainers?: Container[] } & Record<string, unknown>;
};

export type Condition = { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string };

export type WorkloadKind = "Deployment" | "StatefulSet";

/** What Switchyard manages as a service. Fields of one kind only are absent in the other. */
export type Workload = KubernetesObject & {
  kind: WorkloadKind;
  spec: {
    replicas?: number;
    selector: { matchLabels?: Record<string, string> };
    template: PodTemplate;
    /** A Deployment's. */
    paused?: boolean;
    progressDeadlineSeconds?: number;
    /** A StatefulSet's. */
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: Condition[];
    /** A StatefulSet's: names of ControllerRevisions. */
    currentRevision?: string;
    updateRevision?: string;
  };
};

/** One pod template of a workload's history: a Deployment's ReplicaSet, or a StatefulSet's ControllerRevision. */
export type TemplateRevision = KubernetesObject & {
  /** Null before the cluster has numbered it. */
  number: number | null;
  /** The value by which pods name their template, see hashLabels. */
  hash: string;
  template: PodTemplate;
  /** How many pods it has; null where the object does not tell. */
  replicas: number | null;
};

export type ReplicaSet = KubernetesObject & {
  spec: { replicas?: number; template: PodTemplate };
  status?: { replicas?: number };
};

export type ControllerRevision = KubernetesObject & {
  revision: number;
  data: { spec: { template: PodTemplate & { $patch?: string } } };
};

export type ContainerState = {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; signal?: number; reason?: string; message?: string; finishedAt?: string };
};

export type ContainerStatus = {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
};

export type Pod = KubernetesObject & {
  spec: {
    nodeName?: string;
    containers: Container[];
    initContainers?: Container[];
    readinessGates?: { conditionType: string }[];
  };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    podIP?: string;
    startTime?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
};

export type EventObject = KubernetesObject & {
  involvedObject: { kind?: string; namespace?: string; name?: string; uid?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
  source?: { component?: string; host?: string };
  reportingComponent?: string;
};

export type Node = KubernetesObject & {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: {
    conditions?: Condition[];
    addresses?: { type: string; address: string }[];
    /** Quantities by resource. */
    allocatable?: Record<string, string>;
  };
};

export type HorizontalPodAutoscaler = KubernetesObject & {
  spec: { minReplicas?: number; maxReplicas: number; scaleTargetRef: { apiVersion?: string; kind: string; name: string } };
  status?: { lastScaleTime?: string; currentReplicas?: number; desiredReplicas?: number; conditions?: Condition[] };
};

/** What a pod reads its configuration from. A Secret's data are base64. */
export type ConfigObject = KubernetesObject & {
  kind: "ConfigMap" | "Secret";
  data?: Record<string, string>;
  /** A ConfigMap's. */
  binaryData?: Record<string, string>;
  /** A Secret's. */
  type?: string;
  immutable?: boolean;
};

export type PodDisruptionBudget = KubernetesObject & {
  spec: { minAvailable?: number | string; maxUnavailable?: number | string; selector?: LabelSelector };
};

export type LabelSelector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; values?: string[] }[];
};

export type ObjectList<T> = { metadata: { resourceVersion: string; continue?: string }; items: T[] };

/** One operation of a JSON Patch, RFC 6902. */
export type JsonPatchOperation =
  | { op: "add" | "replace" | "test"; path: string; value: unknown }
  | { op: "remove"; path: string };
export type JsonPatch = JsonPatchOperation[];

/** A part of a JSON Pointer with `~` and `/` escaped, RFC 6901. */
export function pointerPart(text: string): string {
  return text.replaceAll("~", "~0").replaceAll("/", "~1");
}

const segment = encodeURIComponent;

/** The API's addresses of what Switchyard reads and writes. */
export const paths = {
  deployments: "/apis/apps/v1/deployments",
  statefulSets: "/apis/apps/v1/statefulsets",
  replicaSets: "/apis/apps/v1/replicasets",
  controllerRevisions: "/apis/apps/v1/controllerrevisions",
  pods: "/api/v1/pods",
  events: "/api/v1/events",
  nodes: "/api/v1/nodes",
  pod: (namespace: string, name: string) => `/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}`,
  namespace: (name: string) => `/api/v1/namespaces/${segment(name)}`,
  workload: (kind: WorkloadKind, namespace: string, name: string) =>
    `/apis/apps/v1/namespaces/${segment(namespace)}/${kind.toLowerCase()}s/${segment(name)}`,
  replicaSetsOf: (namespace: string) => `/apis/apps/v1/namespaces/${segment(namespace)}/replicasets`,
  controllerRevisionsOf: (namespace: string) => `/apis/apps/v1/namespaces/${segment(namespace)}/controllerrevisions`,
  podsOf: (namespace: string) => `/api/v1/namespaces/${segment(namespace)}/pods`,
  podLog: (namespace: string, name: string) => `/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}/log`,
  podProxy: (namespace: string, name: string, port: number, path: string) =>
    `/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}:${port}/proxy${path}`,
  configOf: (kind: ConfigObject["kind"], namespace: string) => `/api/v1/namespaces/${segment(namespace)}/${kind.toLowerCase()}s`,
  allConfig: (kind: ConfigObject["kind"]) => `/api/v1/${kind.toLowerCase()}s`,
  disruptionBudgetsOf: (namespace: string) => `/apis/policy/v1/namespaces/${segment(namespace)}/poddisruptionbudgets`,
  servicesOf: (namespace: string) => `/api/v1/namespaces/${segment(namespace)}/services`,
  autoscaler: (namespace: string, name: string) =>
    `/apis/autoscaling/v2/namespaces/${segment(namespace)}/horizontalpodautoscalers/${segment(name)}`,
  autoscalersOf: (namespace: string) => `/apis/autoscaling/v2/namespaces/${segment(namespace)}/horizontalpodautoscalers`,
};
