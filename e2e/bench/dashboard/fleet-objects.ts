/** Objects of a fleet as an API server sends them, with what real clusters add: managedFields, probes, volumes, tolerations. */

type Json = { [key: string]: unknown };

const startedAt = Date.parse("2026-11-20T08:00:00Z");
const at = (seconds: number) => new Date(startedAt + seconds * 1000).toISOString().replace(".000Z", "Z");
const hex = (number: number, length: number) => (number >>> 0).toString(16).padStart(length, "0").slice(-length);
const uidOf = (kind: number, number: number) => `${hex(kind, 8)}-7c1d-4f0e-9a53-${hex(number, 12)}`;

/** What of a pod changes in its life. */
export type PodState = {
  phase: "Pending" | "Running";
  ready: boolean;
  restarts: number;
  deleting?: boolean;
  isScheduled?: boolean;
  waiting?: string;
};

export const runningPod: PodState = { phase: "Running", ready: true, restarts: 0 };

/** A service of the fleet by its number: a Deployment and its ReplicaSet `revision`. */
export type ServiceName = { service: number; revision: number };

export const serviceName = (service: number): string => `relay-${String(service).padStart(3, "0")}`;
export const setName = ({ service, revision }: ServiceName): string =>
  `${serviceName(service)}-${hex(service * 97 + revision, 9)}`;
const setUid = ({ service, revision }: ServiceName): string => uidOf(2, service * 1000 + revision);

function objectMetadata(name: string, uid: string, resourceVersion: number, rest: Json): Json {
  return { name, namespace: "fleet", uid, resourceVersion: String(resourceVersion), creationTimestamp: at(0), ...rest };
}

/** A pod of about 5 KB. */
export function podObject(of: ServiceName, number: number, resourceVersion: number, state: PodState = runningPod): Json {
  const name = `${setName(of)}-${hex(number * 2_654_435, 5)}${number}`;
  const service = serviceName(of.service);
  const { phase, ready, restarts, deleting = false, isScheduled = true, waiting } = state;
  const time = at(number % 86_400);
  const condition = (type: string, isTrue: boolean) => ({
    type,
    status: isTrue ? "True" : "False",
    lastProbeTime: null,
    lastTransitionTime: time,
    ...(isTrue ? {} : { reason: "ContainersNotReady", message: `containers with unready status: [${service}]` }),
  });
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name,
      generateName: `${setName(of)}-`,
      namespace: "fleet",
      uid: uidOf(3, of.revision * 1_000_000 + number),
      resourceVersion: String(resourceVersion),
      generation: 1,
      creationTimestamp: time,
      ...(deleting ? { deletionTimestamp: at(90_000), deletionGracePeriodSeconds: 60 } : {}),
      labels: podLabels(of),
      annotations: {
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "9090",
        "prometheus.io/scrape": "true",
        "kubectl.kubernetes.io/restartedAt": "2026-11-20T07:59:00Z",
      },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: setName(of),
          uid: setUid(of),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: podManagedFields(setUid(of), time),
    },
    spec: podSpec(of, number, isScheduled),
    status: {
      phase,
      conditions: [
        condition("PodReadyToStartContainers", phase === "Running"),
        condition("Initialized", true),
        condition("Ready", ready),
        condition("ContainersReady", ready),
        condition("PodScheduled", isScheduled),
      ],
      ...(isScheduled ? { hostIP: `10.0.${number % 200}.7`, hostIPs: [{ ip: `10.0.${number % 200}.7` }] } : {}),
      ...(phase === "Running" ? { podIP: podAddress(number), podIPs: [{ ip: podAddress(number) }] } : {}),
      startTime: time,
      ...(isScheduled
        ? { containerStatuses: [containerStatus(service, number, { phase, ready, restarts, waiting }, time)] }
        : {}),
      qosClass: "Burstable",
    },
  };
}

const podAddress = (number: number) => `10.244.${Math.floor(number / 250) % 250}.${(number % 250) + 2}`;

function podLabels(of: ServiceName): Record<string, string> {
  const service = serviceName(of.service);
  return {
    app: service,
    "app.kubernetes.io/name": service,
    "app.kubernetes.io/version": `2.0.${of.revision}`,
    "pod-template-hash": setName(of).slice(service.length + 1),
    "switchyard.dev/kind": "relay",
  };
}

function containerStatus(name: string, number: number, state: Omit<PodState, "deleting">, time: string): Json {
  const { phase, ready, restarts, waiting } = state;
  const id = `containerd://${hex(number, 8).repeat(8)}`;
  return {
    name,
    state:
      phase === "Running" && !waiting
        ? { running: { startedAt: time } }
        : { waiting: { reason: waiting ?? "ContainerCreating" } },
    lastState:
      restarts > 0
        ? { terminated: { exitCode: 137, reason: "OOMKilled", startedAt: time, finishedAt: time, containerID: id } }
        : {},
    ready,
    restartCount: restarts,
    image: "registry.example.com/fleet/relay:2.0.1",
    imageID: `registry.example.com/fleet/relay@sha256:${hex(7, 8).repeat(8)}`,
    ...(phase === "Running" ? { containerID: id } : {}),
    started: phase === "Running",
    volumeMounts: [
      { name: "config", mountPath: "/etc/relay", readOnly: true, recursiveReadOnly: "Disabled" },
      {
        name: "kube-api-access-x7k2p",
        mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
        readOnly: true,
        recursiveReadOnly: "Disabled",
      },
    ],
  };
}

function podSpec(of: ServiceName, number: number, isScheduled: boolean): Json {
  const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } });
  return {
    volumes: [
      { name: "config", configMap: { name: `${serviceName(of.service)}-config`, defaultMode: 420 } },
      {
        name: `kube-api-access-${hex(number, 5)}`,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
            { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          ],
          defaultMode: 420,
        },
      },
    ],
    containers: [
      {
        name: serviceName(of.service),
        image: `registry.example.com/fleet/relay:2.0.${of.revision}`,
        ports: [
          { name: "service", containerPort: 8081, protocol: "TCP" },
          { name: "metrics", containerPort: 9090, protocol: "TCP" },
        ],
        env: [fromField("POD_IP", "status.podIP"), fromField("POD_NAME", "metadata.name"), { name: "RUST_LOG", value: "info" }],
        resources: { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "250m", memory: "256Mi" } },
        readinessProbe: probe("/ready", 5),
        livenessProbe: probe("/health", 10),
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
        imagePullPolicy: "IfNotPresent",
      },
    ],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 60,
    dnsPolicy: "ClusterFirst",
    serviceAccountName: "relay",
    ...(isScheduled ? { nodeName: `node-${number % 100}` } : {}),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    schedulerName: "default-scheduler",
    tolerations: ["not-ready", "unreachable"].map((what) => ({
      key: `node.kubernetes.io/${what}`,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    })),
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
  };
}

function probe(path: string, periodSeconds: number): Json {
  return {
    httpGet: { path, port: 8081, scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

function podManagedFields(owner: string, time: string): Json[] {
  const fields = (...names: string[]) => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
  const condition = { ".": {}, ...fields("lastProbeTime", "lastTransitionTime", "status", "type") };
  const types = ["ContainersReady", "Initialized", "PodReadyToStartContainers", "Ready"];
  return [
    {
      manager: "kube-controller-manager",
      operation: "Update",
      apiVersion: "v1",
      time,
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": {
          "f:annotations": { ".": {}, ...fields("prometheus.io/path", "prometheus.io/port", "prometheus.io/scrape") },
          "f:generateName": {},
          "f:labels": { ".": {}, ...fields("app", "app.kubernetes.io/name", "app.kubernetes.io/version", "pod-template-hash") },
          "f:ownerReferences": { ".": {}, [`k:{"uid":"${owner}"}`]: {} },
        },
        "f:spec": {
          "f:containers": {
            'k:{"name":"relay"}': {
              ".": {},
              ...fields("env", "image", "imagePullPolicy", "livenessProbe", "name", "ports", "readinessProbe", "resources"),
            },
          },
          ...fields("dnsPolicy", "enableServiceLinks", "restartPolicy", "schedulerName", "terminationGracePeriodSeconds"),
        },
      },
    },
    {
      manager: "kubelet",
      operation: "Update",
      apiVersion: "v1",
      time,
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:status": {
          "f:conditions": Object.fromEntries(types.map((type) => [`k:{"type":"${type}"}`, condition])),
          ...fields("containerStatuses", "hostIP", "hostIPs", "phase", "podIP", "podIPs", "startTime"),
        },
      },
      subresource: "status",
    },
  ];
}

const podTemplate = (of: ServiceName): Json => {
  const { nodeName: _, ...spec } = podSpec(of, 0, false);
  return { metadata: { labels: podLabels(of) }, spec };
};

const workloadManagedFields = (time: string) => podManagedFields(uidOf(9, 9), time);

/** How many pods of a workload there should be, and how many are ready. */
export type Counts = { desired: number; ready: number; updated: number; replicas: number };

export function deploymentObject(of: ServiceName, resourceVersion: number, counts: Counts): Json {
  const name = serviceName(of.service);
  const { desired, ready, updated, replicas } = counts;
  const time = at(of.revision);
  return {
    kind: "Deployment",
    apiVersion: "apps/v1",
    metadata: objectMetadata(name, uidOf(1, of.service), resourceVersion, {
      generation: of.revision,
      labels: { app: name, "switchyard.dev/kind": "relay" },
      annotations: { "deployment.kubernetes.io/revision": String(of.revision), "switchyard.dev/owner": "fleet" },
      managedFields: workloadManagedFields(time),
    }),
    spec: {
      replicas: desired,
      selector: { matchLabels: { app: name } },
      template: podTemplate(of),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      minReadySeconds: 30,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {
      observedGeneration: of.revision,
      replicas,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: ready,
      ...(replicas > ready ? { unavailableReplicas: replicas - ready } : {}),
      conditions: [
        { type: "Available", status: "True", reason: "MinimumReplicasAvailable", lastTransitionTime: time, lastUpdateTime: time },
        {
          type: "Progressing",
          status: "True",
          reason: updated < desired || replicas > updated ? "ReplicaSetUpdated" : "NewReplicaSetAvailable",
          message: `ReplicaSet "${setName(of)}" is progressing.`,
          lastTransitionTime: time,
          lastUpdateTime: time,
        },
      ],
    },
  };
}

export function replicaSetObject(of: ServiceName, resourceVersion: number, replicas: number): Json {
  const name = serviceName(of.service);
  const template = podTemplate(of);
  return {
    kind: "ReplicaSet",
    apiVersion: "apps/v1",
    metadata: objectMetadata(setName(of), setUid(of), resourceVersion, {
      generation: 1,
      labels: podLabels(of),
      annotations: { "deployment.kubernetes.io/revision": String(of.revision) },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          name,
          uid: uidOf(1, of.service),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: workloadManagedFields(at(of.revision)),
    }),
    spec: { replicas, selector: { matchLabels: podLabels(of) }, template },
    status: {
      replicas,
      fullyLabeledReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      observedGeneration: 1,
    },
  };
}

/** An event about a pod of about 1 KB. */
export function eventObject(of: ServiceName, number: number, resourceVersion: number, reason: string): Json {
  const pod = podObject(of, number, resourceVersion).metadata as { name: string; uid: string };
  const name = `${pod.name}.${hex(resourceVersion, 16)}`;
  const time = at(resourceVersion % 80_000);
  return {
    kind: "Event",
    apiVersion: "v1",
    metadata: objectMetadata(name, uidOf(4, resourceVersion), resourceVersion, {
      managedFields: [
        {
          manager: "kubelet",
          operation: "Update",
          apiVersion: "v1",
          time,
          fieldsType: "FieldsV1",
          fieldsV1: {
            "f:count": {},
            "f:firstTimestamp": {},
            "f:involvedObject": {},
            "f:lastTimestamp": {},
            "f:message": {},
            "f:reason": {},
            "f:source": { "f:component": {} },
            "f:type": {},
          },
        },
      ],
    }),
    involvedObject: {
      kind: "Pod",
      namespace: "fleet",
      name: pod.name,
      uid: pod.uid,
      apiVersion: "v1",
      resourceVersion: "1",
      fieldPath: "spec.containers{relay}",
    },
    reason,
    message: `${reason}: container of ${pod.name}`,
    source: { component: "kubelet", host: `node-${number % 100}` },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type: "Normal",
    eventTime: null,
    reportingComponent: "kubelet",
    reportingInstance: `node-${number % 100}`,
  };
}
