import type { Condition, ContainerStatus, Pod, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { readControllerRevision, readReplicaSet } from "#lib/kubernetes/workloads.ts";
import { candidateName, candidateOfLabel } from "../rollouts/engine/run.ts";

/** Kubernetes objects for tests, small but of the right form. */

export const deployedAt = "2026-11-01T10:00:00Z";

let version = 0;

function metadata(name: string, uid: string) {
  version += 1;
  return { name, namespace: "fleet", uid, resourceVersion: String(version), creationTimestamp: deployedAt };
}

type DeploymentOptions = Partial<Workload["spec"]> & {
  name?: string;
  image?: string;
  generation?: number;
  status?: Workload["status"];
  conditions?: Condition[];
};

/** A Deployment `relay` whose rollout is complete unless its status says otherwise. */
export function deployment(options: DeploymentOptions = {}): Workload {
  const { name = "relay", image = "switchyard/relay:2.0.0", generation = 1, status, conditions, ...spec } = options;
  const replicas = spec.replicas ?? 3;
  const full = {
    observedGeneration: generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    conditions: conditions ?? [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" }],
  };
  return {
    kind: "Deployment",
    metadata: {
      ...metadata(name, `deployment-${name}`),
      generation,
      labels: { "switchyard.dev/kind": "relay" },
      annotations: { "deployment.kubernetes.io/revision": "1" },
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
      ...spec,
    },
    status: { ...full, ...status },
  };
}

/** A ReplicaSet of a Deployment with its template, or with another image. */
export function replicaSet(
  of: Workload,
  options: { revision?: number; hash?: string; image?: string; annotations?: Record<string, string> } = {},
): TemplateRevision {
  const { revision = 1, hash = `hash${revision}`, image, annotations } = options;
  const { name } = of.metadata;
  const template = structuredClone(of.spec.template);
  if (image && template.spec.containers[0]) template.spec.containers[0].image = image;
  return readReplicaSet({
    metadata: {
      ...metadata(`${name}-${hash}`, `replicaset-${name}-${hash}`),
      labels: { ...template.metadata?.labels, "pod-template-hash": hash },
      annotations: { "deployment.kubernetes.io/revision": String(revision), ...annotations },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid: of.metadata.uid, controller: true }],
    },
    spec: {
      replicas: 3,
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, "pod-template-hash": hash } },
      },
    },
  });
}

/** The candidate of a Deployment's rollout, with another image. */
export function candidateOf(stable: Workload, options: DeploymentOptions = {}): Workload {
  const { name } = stable.metadata;
  const made = deployment({ image: "switchyard/relay:2.1.0", replicas: 1, ...options, name: candidateName(name) });
  const labels = { app: name, [candidateOfLabel]: name };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name, image: made.spec.template.spec.containers[0]?.image }] },
  };
  return {
    ...made,
    metadata: { ...made.metadata, labels: { [candidateOfLabel]: name } },
    spec: { ...made.spec, selector: { matchLabels: labels }, template },
  };
}

/** A StatefulSet `redis` of one instance whose rollout is complete unless its status says otherwise. */
export function statefulSet(options: { image?: string; generation?: number; status?: Workload["status"] } = {}): Workload {
  const { image = "redis:7.0", generation = 1, status } = options;
  const name = "redis";
  return {
    kind: "StatefulSet",
    metadata: { ...metadata(name, `statefulset-${name}`), generation, labels: { "switchyard.dev/kind": "cache" } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
    },
    status: {
      observedGeneration: generation,
      replicas: 1,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
      currentRevision: "redis-hash1",
      updateRevision: "redis-hash1",
      ...status,
    },
  };
}

/** A ControllerRevision of a StatefulSet with its template, or with another image. */
export function controllerRevision(of: Workload, options: { revision?: number; image?: string } = {}): TemplateRevision {
  const { revision = 1, image } = options;
  const { name, uid } = of.metadata;
  const template = structuredClone(of.spec.template);
  if (image && template.spec.containers[0]) template.spec.containers[0].image = image;
  return readControllerRevision({
    metadata: {
      ...metadata(`${name}-hash${revision}`, `revision-${name}-${revision}`),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name, uid, controller: true }],
    },
    revision,
    data: { spec: { template: { ...template, $patch: "replace" } } },
  });
}

/** A pod of a StatefulSet that runs and is ready. */
export function statefulPod(of: Workload, revision: TemplateRevision, ordinal: number): Pod {
  const { name, uid } = of.metadata;
  const made = pod(revision, `${name}-${ordinal}`);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      labels: { "controller-revision-hash": revision.hash },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name, uid, controller: true }],
    },
  };
}

export type PodOptions = {
  status?: Partial<NonNullable<Pod["status"]>>;
  container?: Partial<ContainerStatus>;
  spec?: Partial<Pod["spec"]>;
  deleting?: boolean;
  createdAt?: string;
};

/** A pod of a ReplicaSet that runs and is ready, unless it is said otherwise. */
export function pod(of: TemplateRevision, name: string, options: PodOptions = {}): Pod {
  const { status, container, spec, deleting, createdAt } = options;
  const service = of.metadata.ownerReferences?.[0]?.name ?? "relay";
  const ready = container?.ready ?? container?.state?.running !== undefined;
  const isReady = container === undefined || ready;
  return {
    metadata: {
      ...metadata(name, `pod-${name}`),
      ...(createdAt ? { creationTimestamp: createdAt } : {}),
      ...(deleting ? { deletionTimestamp: deployedAt } : {}),
      labels: of.metadata.labels,
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: of.metadata.name, uid: of.metadata.uid, controller: true },
      ],
    },
    spec: { nodeName: "node-1", containers: [{ name: service, image: of.template.spec.containers[0]?.image }], ...spec },
    status: {
      phase: "Running",
      podIP: "127.10.10.2",
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      containerStatuses: [
        { name: service, ready: isReady, restartCount: 0, state: { running: { startedAt: deployedAt } }, ...container },
      ],
      ...status,
    },
  };
}

/** Statuses of containers that are in trouble. */
export const trouble = {
  imagePull: {
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "switchyard/relay:9.9.9"' } },
  },
  crashLoop: {
    ready: false,
    restartCount: 4,
    state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container" } },
    lastState: { terminated: { exitCode: 78, reason: "Error", finishedAt: "2026-11-01T10:05:00Z" } },
  },
  starting: { ready: false, restartCount: 0, state: { running: { startedAt: deployedAt } } },
} satisfies Record<string, Partial<ContainerStatus>>;
