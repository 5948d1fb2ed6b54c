/** The parts of a v1 Pod that the kubelet reads and writes, as they are on the wire. */
export type Metadata = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};

export type KeyRef = { name: string; key: string; optional?: boolean };

export type EnvVar = {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { containerName?: string; resource: string; divisor?: string };
    configMapKeyRef?: KeyRef;
    secretKeyRef?: KeyRef;
  };
};

export type EnvFrom = {
  prefix?: string;
  configMapRef?: { name: string; optional?: boolean };
  secretRef?: { name: string; optional?: boolean };
};

export type HttpGet = {
  path?: string;
  port: number | string;
  host?: string;
  scheme?: string;
  httpHeaders?: { name: string; value: string }[];
};

export type Handler = {
  httpGet?: HttpGet;
  tcpSocket?: { port: number | string; host?: string };
  exec?: { command: string[] };
  grpc?: { port: number; service?: string };
  sleep?: { seconds: number };
};

export type Probe = Handler & {
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
  terminationGracePeriodSeconds?: number;
};

export type Container = {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  envFrom?: EnvFrom[];
  ports?: { name?: string; containerPort: number; protocol?: string }[];
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  volumeMounts?: VolumeMount[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop?: Handler; postStart?: Handler };
  /** Of an init container: "Always" makes it a sidecar. */
  restartPolicy?: "Always";
  terminationMessagePath?: string;
  terminationMessagePolicy?: "File" | "FallbackToLogsOnError";
  securityContext?: SecurityContext & { readOnlyRootFilesystem?: boolean };
};

export type VolumeMount = { name: string; mountPath: string; subPath?: string; subPathExpr?: string; readOnly?: boolean };

export type SecurityContext = { runAsUser?: number; runAsGroup?: number; runAsNonRoot?: boolean };

export type KeyItem = { key: string; path: string; mode?: number };

export type DownwardItem = {
  path: string;
  mode?: number;
  fieldRef?: { fieldPath: string };
  resourceFieldRef?: { containerName?: string; resource: string; divisor?: string };
};

export type HostPath = { path: string; type?: string };

/** One source of a projected volume. */
export type Projection = {
  configMap?: { name: string; items?: KeyItem[]; optional?: boolean };
  secret?: { name: string; items?: KeyItem[]; optional?: boolean };
  downwardAPI?: { items?: DownwardItem[] };
  serviceAccountToken?: { audience?: string; expirationSeconds?: number; path: string };
  /** The cluster's own: the certificate of its authority. No manifest can name it. */
  authority?: { path: string };
};

export type Volume = {
  name: string;
  emptyDir?: { medium?: string; sizeLimit?: string };
  hostPath?: HostPath;
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
  configMap?: { name: string; items?: KeyItem[]; defaultMode?: number; optional?: boolean };
  secret?: { secretName: string; items?: KeyItem[]; defaultMode?: number; optional?: boolean };
  downwardAPI?: { defaultMode?: number; items?: DownwardItem[] };
  projected?: { defaultMode?: number; sources?: Projection[] };
};

export type PodSpec = {
  nodeName?: string;
  restartPolicy?: "Always" | "OnFailure" | "Never";
  terminationGracePeriodSeconds?: number;
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  activeDeadlineSeconds?: number;
  hostname?: string;
  hostNetwork?: boolean;
  enableServiceLinks?: boolean;
  initContainers?: Container[];
  containers: Container[];
  volumes?: Volume[];
  securityContext?: SecurityContext & { fsGroup?: number; supplementalGroups?: number[] };
};

export type Terminated = {
  exitCode: number;
  signal?: number;
  reason: string;
  message?: string;
  startedAt?: string;
  finishedAt: string;
  containerID?: string;
};

export type ContainerState = {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: Terminated;
};

export type ContainerStatus = {
  name: string;
  state: ContainerState;
  lastState: ContainerState;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  image: string;
  imageID: string;
  containerID?: string;
};

export type PodCondition = {
  type: string;
  status: "True" | "False" | "Unknown";
  lastProbeTime?: string | null;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
};

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export type PodStatus = {
  phase?: PodPhase;
  conditions?: PodCondition[];
  hostIP?: string;
  hostIPs?: { ip: string }[];
  podIP?: string;
  podIPs?: { ip: string }[];
  startTime?: string;
  reason?: string;
  message?: string;
  qosClass?: string;
  initContainerStatuses?: ContainerStatus[];
  containerStatuses?: ContainerStatus[];
  [field: string]: unknown;
};

export type Pod = { apiVersion: string; kind: string; metadata: Metadata; spec: PodSpec; status?: PodStatus };

/** How long the pod's containers have between SIGTERM and SIGKILL, in seconds. */
export function graceSecondsOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
