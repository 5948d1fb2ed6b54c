import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "#lib/database/client.ts";
import { readTarget } from "#lib/domain/actions/target.ts";
import { namespaceYaml, type TestContext, testContext } from "#lib/domain/actions/test-fleet.ts";
import { generateKey } from "#lib/domain/recovery/archive/keyring.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { KubernetesObject } from "#lib/kubernetes/objects.ts";
import { TestCluster, until } from "#lib/kubernetes/test-cluster.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { createTestDatabase } from "../../postgres.ts";
import { Controllers } from "./controllers.ts";
import type { Journey } from "./journeys.ts";
import { startToldPrometheus } from "./told-prometheus.ts";

const routes = fileURLToPath(new URL("../../../deploy/demo/05-routes.yaml", import.meta.url));
const collections = {
  deployments: "/apis/apps/v1/namespaces/fleet/deployments",
  services: "/api/v1/namespaces/fleet/services",
  virtualServices: "/apis/networking.istio.io/v1/namespaces/fleet/virtualservices",
};

/** The local cluster's API server with virtual nodes, a database, a Prometheus that is told what to say, and no controller yet. */
export type CrashWorld = {
  cluster: TestCluster;
  kubernetes: KubernetesClient;
  db: Database;
  context: TestContext;
  controllers: () => Controllers;
  stop: () => Promise<void>;
};

export async function startCrashWorld(): Promise<CrashWorld> {
  const [cluster, { database, url, drop }, prometheus] = await Promise.all([
    TestCluster.start(),
    createTestDatabase(),
    startToldPrometheus(),
  ]);
  const kubernetes = cluster.client();
  await cluster.create(namespaceYaml);
  await cluster.create([1, 2, 3].map(nodeYaml).join("---\n"));
  await cluster.create(readFileSync(routes, "utf8"));
  await until("routes are served", () => kubernetes.get(collections.virtualServices));
  async function stop() {
    kubernetes.close();
    prometheus.stop();
    await cluster.stop();
    await drop();
    await rm(folder, { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(tmpdir(), "switchyard-crashes-"));
  const settings = {
    databaseUrl: url,
    kubeconfig: cluster.kubeconfig,
    prometheusUrl: prometheus.url,
    folder,
    backupKey: await generateKey(),
  };
  const context = { ...testContext({ db: database, kubernetes }), prometheus: new PrometheusClient({ url: prometheus.url }) };
  return { cluster, kubernetes, db: database, context, controllers: () => new Controllers(settings), stop };
}

const nodeYaml = (number: number) => `
apiVersion: v1
kind: Node
metadata: { name: virtual-${number}, labels: { switchyard.dev/virtual: "true" } }
`;

/** Makes the service of a journey under this name, and resolves when all its instances are available. */
export async function deploy({ cluster, kubernetes, context }: CrashWorld, name: string, { hasRoute }: Journey) {
  await cluster.create(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: fleet, labels: { switchyard.dev/kind: relay } }
spec:
  replicas: 5
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}, switchyard.dev/kind: relay, app.kubernetes.io/name: ${name} } }
    spec:
      containers:
        - name: relay
          image: switchyard/relay:2.0.0
          readinessProbe: { httpGet: { path: /ready, port: 8081 } }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: fleet }
spec:
  selector: { app: ${name} }
  ports: [{ name: websocket, port: 8081 }]
${hasRoute ? routeYaml(name) : ""}`);
  const ref = { namespace: "fleet", name };
  await until(`${name} is available`, async () => {
    const { status } = await kubernetes.get<{ status?: { availableReplicas?: number } }>(`${collections.deployments}/${name}`);
    return status?.availableReplicas === 5;
  });
  const { workload, templateHash } = await readTarget(context, ref);
  return { ref, seen: { uid: workload.metadata.uid, templateHash } };
}

const routeYaml = (name: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: fleet }
spec:
  hosts: [${name}]
  http: [{ route: [{ destination: { host: ${name} } }] }]
`;

/** Takes a service away again with all that is its own: hundreds of instances more would find no room on the nodes. */
export async function undeploy({ kubernetes }: CrashWorld, name: string): Promise<void> {
  for (const path of Object.values(collections)) {
    await until(`${path}/${name} is gone`, async () => {
      const object = (await kubernetes.list<KubernetesObject>(path)).find(({ metadata }) => metadata.name === name);
      if (object) await kubernetes.remove(`${path}/${name}`, object.metadata);
      return object === undefined || undefined;
    });
  }
}

/** Every object of a service and of its candidate, without what differs between two runs that did the same. */
export async function readObjects({ kubernetes }: CrashWorld, name: string): Promise<object> {
  const found: Record<string, unknown> = {};
  for (const [kind, path] of Object.entries(collections)) {
    const items = await kubernetes.list<KubernetesObject & { spec?: Record<string, unknown> }>(path);
    for (const { metadata, spec } of items) {
      if (metadata.name !== name && metadata.name !== `${name}-candidate`) continue;
      const { clusterIP: _, clusterIPs: __, ...rest } = spec ?? {};
      const kept = {
        labels: metadata.labels,
        annotations: metadata.annotations,
        owners: metadata.ownerReferences?.length,
        spec: rest,
      };
      found[`${kind}/${metadata.name}`] = kept;
    }
  }
  return JSON.parse(
    JSON.stringify(found)
      .replaceAll(name, "SERVICE")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID"),
  );
}

type AuditLine = {
  verb: string;
  user: { username?: string };
  objectRef?: { resource?: string; name?: string; subresource?: string };
  requestURI: string;
  responseStatus: { code: number };
};

/** The lines of the audit log and of its files that have grown full. */
function* readAudit(directory: string): Generator<string> {
  for (const name of readdirSync(directory).filter((each) => /^audit\.log(\.\d+)?$/.test(each)))
    yield* readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean);
}

/** How often Switchyard did each write to a service's objects, by the API server's audit: what was refused changed nothing. */
export function readWrites({ cluster }: CrashWorld, name: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of readAudit(dirname(cluster.kubeconfig))) {
    const { verb, user, objectRef, requestURI, responseStatus } = JSON.parse(line) as AuditLine;
    const { resource, name: object = "", subresource } = objectRef ?? {};
    if (object !== name && object !== `${name}-candidate`) continue;
    if (user.username?.startsWith("system:") || (!requestURI.includes("fieldManager=switchyard") && verb !== "delete")) continue;
    if (requestURI.includes("dryRun=All") || responseStatus.code >= 300) continue;
    const write = [verb, resource, subresource, object.replace(name, "SERVICE")].filter(Boolean).join(" ");
    counts[write] = (counts[write] ?? 0) + 1;
  }
  return counts;
}
