import type { ApiClient } from "#services/cluster/api-client.ts";

export const namespace = "bench";
const contentType = "application/merge-patch+json";
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;

type Deployment = {
  metadata: { name: string; generation: number };
  spec: { replicas: number };
  status?: { observedGeneration?: number; updatedReplicas?: number; replicas?: number; availableReplicas?: number };
};

export async function createNodes(client: ApiClient, count: number): Promise<void> {
  await client.send("/api/v1/namespaces", { method: "POST", json: { metadata: { name: namespace } } });
  for (let index = 1; index <= count; index += 1) {
    const metadata = { name: `virtual-${String(index).padStart(3, "0")}`, labels: { "switchyard.dev/virtual": "true" } };
    await client.send("/api/v1/nodes", { method: "POST", json: { metadata } });
  }
}

export async function createDeployment(client: ApiClient, name: string, replicas: number): Promise<void> {
  await client.send(deployments, { method: "POST", json: deployment(name, replicas) });
}

export async function scaleDeployment(client: ApiClient, name: string, replicas: number): Promise<void> {
  await client.send(`${deployments}/${name}`, { method: "PATCH", json: { spec: { replicas } }, contentType });
}

export async function changeVersion(client: ApiClient, name: string, version: string): Promise<void> {
  const json = { spec: { template: { metadata: { annotations: { version } } } } };
  await client.send(`${deployments}/${name}`, { method: "PATCH", json, contentType });
}

export async function deleteDeployment(client: ApiClient, name: string): Promise<void> {
  await client.send(`${deployments}/${name}`, { method: "DELETE", json: {} });
  await until(async () => {
    const selector = encodeURIComponent(`app=${name}`);
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}&limit=1`;
    return (await client.get<{ items: unknown[] }>(path)).items.length === 0;
  });
}

/** Resolves when every deployment has what its spec asks for, by the rule of `kubectl rollout status`. */
export async function untilComplete(client: ApiClient): Promise<void> {
  await until(async () => (await client.get<{ items: Deployment[] }>(deployments)).items.every(isComplete));
}

function isComplete({ metadata, spec, status = {} }: Deployment): boolean {
  const { observedGeneration = 0, updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  const isCurrent = observedGeneration >= metadata.generation;
  return isCurrent && updatedReplicas === spec.replicas && replicas === spec.replicas && availableReplicas === spec.replicas;
}

async function until(check: () => Promise<boolean>, timeoutMs = 300_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`the cluster did not settle within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A deployment whose pods are about as large as those of a real service: 3 KB of JSON with their status. */
function deployment(name: string, replicas: number): object {
  const labels = { app: name, "app.kubernetes.io/name": name, "app.kubernetes.io/version": "2.0.0" };
  const probe = (path: string) => ({ httpGet: { path, port: "http" }, periodSeconds: 5, timeoutSeconds: 2 });
  const variable = (field: string) => ({
    name: field.toUpperCase().replace(/\W/g, "_"),
    valueFrom: { fieldRef: { fieldPath: field } },
  });
  const container = {
    name: "relay",
    image: "switchyard/relay:2.0.0",
    ports: [
      { name: "http", containerPort: 8081 },
      { name: "metrics", containerPort: 9090 },
    ],
    env: [
      { name: "LOG_LEVEL", value: "info" },
      { name: "REDIS_URL", value: "redis://redis:6379" },
      { name: "DATABASE_URL", value: "postgres://relay@postgres:5432/relay" },
      ...["metadata.name", "metadata.namespace", "status.podIP", "spec.nodeName"].map(variable),
    ],
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
    readinessProbe: probe("/ready"),
    livenessProbe: probe("/health"),
  };
  return {
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels, annotations: { version: "1", "prometheus.io/scrape": "true", "prometheus.io/port": "9090" } },
        spec: { containers: [container], terminationGracePeriodSeconds: 20 },
      },
    },
  };
}
