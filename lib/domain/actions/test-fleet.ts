import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { WorkloadKind } from "#lib/kubernetes/objects.ts";
import { TestCluster } from "#lib/kubernetes/test-cluster.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import type { Actor, Context } from "../context.ts";
import type { Role } from "../users/schemas.ts";

export type ServiceOptions = { kind?: WorkloadKind; image?: string; replicas?: number; paused?: boolean };

/** The workload of a managed service as YAML, for tests. */
export function serviceYaml(name: string, options: ServiceOptions = {}): string {
  const { kind = "Deployment", image = "switchyard/relay:2.0.0", replicas = 3, paused = false } = options;
  return `
apiVersion: apps/v1
kind: ${kind}
metadata:
  name: ${name}
  namespace: fleet
  labels: { switchyard.dev/kind: relay }
  annotations: { team: fleet }
spec:
  replicas: ${replicas}
  ${kind === "Deployment" ? `paused: ${paused}` : `serviceName: ${name}`}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name}, switchyard.dev/kind: relay, app.kubernetes.io/name: ${name} }
    spec:
      containers:
        - { name: relay, image: "${image}" }
        - { name: sidecar, image: "switchyard/sidecar:1.0.0" }
`;
}

export const namespaceYaml = "apiVersion: v1\nkind: Namespace\nmetadata: { name: fleet }\n";

/** With what the web process adds for commands that touch secrets. */
export type TestContext = Context & { sealer: Sealer };

/** A context for tests; the clock is the real one unless it is given. */
export function testContext(
  parts: { db: Database; kubernetes: KubernetesClient; clock?: () => Date },
  actor: { role: Role; name?: string } = { role: "operator" },
): TestContext {
  const full: Actor = { kind: "user", id: null, name: actor.name ?? "olga", role: actor.role };
  return {
    actor: full,
    prometheus: null,
    clock: () => new Date(),
    logger: createLogger("test", "silent"),
    requestId: "test-request",
    sealer: new Sealer("the key of tests, of at least 32 characters"),
    ...parts,
  };
}

/** A cluster without nodes, a fresh database and an operator's context on both, for tests. */
export type TestWorld = {
  cluster: TestCluster;
  kubernetes: KubernetesClient;
  db: Database;
  context: TestContext;
  stop: () => Promise<void>;
};

export async function startTestWorld(): Promise<TestWorld> {
  const [cluster, { database, drop }] = await Promise.all([TestCluster.start(), createTestDatabase()]);
  const kubernetes = cluster.client();
  await cluster.create(namespaceYaml);
  async function stop() {
    kubernetes.close();
    await cluster.stop();
    await drop();
  }
  return { cluster, kubernetes, db: database, context: testContext({ db: database, kubernetes }), stop };
}
