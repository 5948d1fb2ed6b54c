/** Manifests as JSON, for `kubectl apply -f -` and the client library alike. */

/** Pods that the stand-in kubelet plays. */
const played = { nodeSelector: { "kubernetes.io/hostname": "node-1" }, terminationGracePeriodSeconds: 1 };

export function podTemplate(app: string, image: string, spec: object = {}) {
  return { metadata: { labels: { app } }, spec: { ...played, containers: [{ name: "main", image }], ...spec } };
}

export function statefulSet(name: string, spec: object = {}, image = "demo/store:1.0.0") {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, image),
      ...spec,
    },
  };
}

export function deployment(name: string, spec: object = {}, image = "demo/web:1.0.0") {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas: 3, selector: { matchLabels: { app: name } }, template: podTemplate(name, image), ...spec },
  };
}

/** A job whose pods end with an exit code, or run on when none is given. */
export function job(name: string, spec: object = {}, exitCode?: number) {
  const image = exitCode === undefined ? "demo/task:1.0.0" : `demo/task:exit-${exitCode}`;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { template: podTemplate(name, image, { restartPolicy: "Never" }), ...spec },
  };
}

export function cronJob(name: string, schedule: string, spec: object = {}, exitCode?: number) {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name },
    spec: { schedule, jobTemplate: { spec: job(name, {}, exitCode).spec }, ...spec },
  };
}

export function claim(name: string, spec: object = {}) {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } }, ...spec },
  };
}
