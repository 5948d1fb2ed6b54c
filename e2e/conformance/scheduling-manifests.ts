/** Manifests of the cases about nodes: pods that may run on virtual nodes, which are tainted to keep others away. */

const virtualNodes = { key: "virtual", operator: "Exists" };

export function virtualNode(name: string, labels: Record<string, string>, cpu = "4") {
  const capacity = { cpu, memory: "8Gi", pods: "20" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, "switchyard.dev/virtual": "true", ...labels } },
    spec: { taints: [{ key: "virtual", effect: "NoSchedule" }] },
    status: { capacity, allocatable: capacity },
  };
}

export function podSpec(changes: Record<string, unknown> = {}, requests: Record<string, string> = {}) {
  const { tolerations = [], ...spec } = changes as { tolerations?: object[] };
  return {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: "demo/web:1.0.0", resources: { requests } }],
    tolerations: [virtualNodes, ...tolerations],
    ...spec,
  };
}

export function podManifest(name: string, spec: Record<string, unknown> = {}, requests: Record<string, string> = {}): string {
  const metadata = { name, labels: { app: name } };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: podSpec(spec, requests) });
}

export function deploymentManifest(name: string, replicas: number, spec: Record<string, unknown> = {}): string {
  const labels = { app: name };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(spec) } },
  });
}

export function budgetManifest(name: string, app: string, spec: Record<string, unknown>): string {
  const selector = { matchLabels: { app } };
  return JSON.stringify({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { selector, ...spec },
  });
}
