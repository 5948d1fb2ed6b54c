import type { Deployment, Node, Pod, PodTemplate, ReplicaSet } from "../objects.ts";

type Changes<T> = { [K in keyof T]?: unknown };

export function template(image = "switchyard/relay:1.0.0", labels: Record<string, string> = { app: "relay" }): PodTemplate {
  return { metadata: { labels }, spec: { containers: [{ name: "relay", image }] } };
}

export function deployment(spec: Partial<Deployment["spec"]> = {}, changes: Changes<Deployment> = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "relay",
      namespace: "fleet",
      uid: "deployment-uid",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    ...changes,
    spec: { replicas: 3, selector: { matchLabels: { app: "relay" } }, template: template(), ...spec },
  } as Deployment;
}

export function replicaSet(name: string, spec: Partial<ReplicaSet["spec"]> = {}, changes: Changes<ReplicaSet> = {}): ReplicaSet {
  const { metadata, status, ...others } = changes as { metadata?: object; status?: object };
  const replicas = spec.replicas ?? 0;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: "fleet",
      uid: `${name}-uid`,
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...metadata,
    },
    status: { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1, ...status },
    ...others,
    spec: { selector: { matchLabels: { app: "relay" } }, template: template(), ...spec },
  } as ReplicaSet;
}

export type PodOptions = {
  node?: string;
  phase?: string;
  readySince?: string | false;
  labels?: Record<string, string>;
  metadata?: object;
  spec?: object;
  restarts?: number;
  ip?: string;
};

export function pod(name: string, options: PodOptions = {}): Pod {
  const { node, phase = "Running", readySince = "2026-01-01T00:00:00Z", labels = { app: "relay" }, restarts = 0 } = options;
  const ready = readySince
    ? { type: "Ready", status: "True", lastTransitionTime: readySince }
    : { type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "fleet",
      uid: `${name}-uid`,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels,
      ...options.metadata,
    },
    spec: { ...(node ? { nodeName: node } : {}), containers: [{ name: "relay" }], ...options.spec },
    status: { phase, podIP: options.ip, conditions: [ready], containerStatuses: [{ name: "relay", restartCount: restarts }] },
  } as Pod;
}

export function node(
  name: string,
  changes: { labels?: Record<string, string>; spec?: object; allocatable?: object; ready?: string; conditions?: object[] } = {},
): Node {
  const {
    labels = {},
    spec = {},
    allocatable = { cpu: "2", memory: "4Gi", pods: "110" },
    ready = "True",
    conditions = [],
  } = changes;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: `${name}-uid`,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "kubernetes.io/hostname": name, ...labels },
    },
    spec,
    status: {
      allocatable,
      conditions: [{ type: "Ready", status: ready, lastHeartbeatTime: "2026-01-01T00:00:00Z" }, ...conditions],
    },
  } as unknown as Node;
}
