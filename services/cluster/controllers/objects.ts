import type { KubeObject } from "../api.ts";
import type { IntOrPercent } from "./quantity.ts";

/** The fields of the built-in kinds that the controllers read or write. Everything else passes through untouched. */

export type Labels = Record<string, string>;

export type SelectorRequirement = { key: string; operator: string; values?: string[] };
export type LabelSelector = { matchLabels?: Labels; matchExpressions?: SelectorRequirement[] };

export type Condition = {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastHeartbeatTime?: string;
  lastProbeTime?: string | null;
};

export type ContainerPort = { name?: string; containerPort: number; protocol?: string };

export type Container = {
  name: string;
  image?: string;
  ports?: ContainerPort[];
  restartPolicy?: string;
  resources?: { requests?: Record<string, string | number>; limits?: Record<string, string | number> };
};

export type Toleration = { key?: string; operator?: string; value?: string; effect?: string; tolerationSeconds?: number };
export type Taint = { key: string; value?: string; effect: string; timeAdded?: string };

export type NodeSelectorTerm = { matchExpressions?: SelectorRequirement[]; matchFields?: SelectorRequirement[] };

export type PodAffinityTerm = {
  labelSelector?: LabelSelector;
  namespaces?: string[];
  namespaceSelector?: LabelSelector;
  topologyKey: string;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
};

export type TopologySpreadConstraint = {
  maxSkew: number;
  topologyKey: string;
  whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
  labelSelector?: LabelSelector;
  minDomains?: number;
  matchLabelKeys?: string[];
  nodeAffinityPolicy?: "Honor" | "Ignore";
  nodeTaintsPolicy?: "Honor" | "Ignore";
};

export type WeightedPodAffinityTerm = { weight: number; podAffinityTerm: PodAffinityTerm };

export type PodAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[];
};

export type Affinity = {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] };
    preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeSelectorTerm }[];
  };
  podAffinity?: PodAffinity;
  podAntiAffinity?: PodAffinity;
};

export type PodSpec = {
  nodeName?: string;
  nodeSelector?: Labels;
  schedulerName?: string;
  restartPolicy?: string;
  hostname?: string;
  subdomain?: string;
  containers: Container[];
  initContainers?: Container[];
  overhead?: Record<string, string | number>;
  affinity?: Affinity;
  tolerations?: Toleration[];
  topologySpreadConstraints?: TopologySpreadConstraint[];
  schedulingGates?: { name: string }[];
  [field: string]: unknown;
};

export type PodStatus = {
  phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  podIP?: string;
  reason?: string;
  message?: string;
  conditions?: Condition[];
  containerStatuses?: { name: string; restartCount: number }[];
  [field: string]: unknown;
};

export type Pod = KubeObject & { spec: PodSpec; status?: PodStatus };

export type PodTemplate = {
  metadata?: { labels?: Labels; annotations?: Labels; [field: string]: unknown };
  spec: PodSpec;
};

export type ReplicaSetStatus = {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  observedGeneration?: number;
  conditions?: Condition[];
};

export type ReplicaSet = KubeObject & {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplate };
  status?: ReplicaSetStatus;
};

export type DeploymentStrategy = {
  type?: "RollingUpdate" | "Recreate";
  rollingUpdate?: { maxSurge?: IntOrPercent; maxUnavailable?: IntOrPercent };
};

export type DeploymentStatus = {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  unavailableReplicas?: number;
  collisionCount?: number;
  conditions?: Condition[];
};

export type Deployment = KubeObject & {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    strategy?: DeploymentStrategy;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    paused?: boolean;
  };
  status?: DeploymentStatus;
};

export type Node = KubeObject & {
  spec?: { unschedulable?: boolean; taints?: Taint[]; [field: string]: unknown };
  status?: {
    allocatable?: Record<string, string | number>;
    capacity?: Record<string, string | number>;
    conditions?: Condition[];
    [field: string]: unknown;
  };
};

export type ServicePort = { name?: string; protocol?: string; port: number; targetPort?: number | string; appProtocol?: string };

export type Service = KubeObject & {
  spec: {
    type?: string;
    clusterIP?: string;
    selector?: Labels;
    ports?: ServicePort[];
    publishNotReadyAddresses?: boolean;
    [field: string]: unknown;
  };
};

export type ObjectReference = {
  kind?: string;
  apiVersion?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
};

export type EndpointPort = { name?: string; port?: number; protocol?: string; appProtocol?: string };
export type EndpointAddress = { ip: string; hostname?: string; nodeName?: string; targetRef?: ObjectReference };
export type EndpointSubset = { addresses?: EndpointAddress[]; notReadyAddresses?: EndpointAddress[]; ports?: EndpointPort[] };
export type Endpoints = KubeObject & { subsets?: EndpointSubset[] };

export type Endpoint = {
  addresses: string[];
  conditions: { ready?: boolean; serving?: boolean; terminating?: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  targetRef?: ObjectReference;
};

export type EndpointSlice = KubeObject & { addressType: string; endpoints: Endpoint[]; ports: EndpointPort[] };

export type Lease = KubeObject & { spec?: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number } };

export type Namespace = KubeObject & { spec?: { finalizers?: string[] }; status?: { phase?: string; conditions?: Condition[] } };

export type KubeEvent = KubeObject & {
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  type: "Normal" | "Warning";
  count?: number;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  source?: { component?: string; host?: string };
  reportingComponent?: string;
  reportingInstance?: string;
};
