import { randomUUID } from "node:crypto";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { readTarget } from "../actions/target.ts";
import type { TestWorld } from "../actions/test-fleet.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import type { StartContext } from "./start/preflight.ts";
import { startStrategy } from "./start/start.ts";
import type { StartRolloutInput } from "./start/start-schemas.ts";
import type { Strategy } from "./strategy.ts";

/** Services and rollouts of them, for tests. */

export type DeployOptions = {
  kind?: "Deployment" | "StatefulSet";
  replicas?: number;
  annotations?: Record<string, string>;
  probe?: boolean;
};

/** A canary that measures nothing. */
export const canary: Strategy = {
  kind: "canary",
  steps: [{ weight: 10, pauseSeconds: 60 }],
  traffic: "replicas",
  header: null,
  analysis: null,
  progressDeadlineSeconds: 60,
};

/** A service that passes preflight, with a ConfigMap `NAME-settings` and a Secret `NAME-secrets`. */
export async function deployService({ cluster, context }: TestWorld, options: DeployOptions = {}) {
  const { kind = "Deployment", replicas = 10, annotations = {}, probe = true } = options;
  const name = `relay-${randomUUID().slice(0, 8)}`;
  const ref: ServiceRef = { namespace: "fleet", name };
  await cluster.create(`
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}-settings, namespace: fleet }
data: { greeting: hello, limit: "10" }
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}-secrets, namespace: fleet }
stringData: { token: "sesame-open" }
---
apiVersion: apps/v1
kind: ${kind}
metadata:
  name: ${name}
  namespace: fleet
  labels: { switchyard.dev/kind: relay }
  annotations: ${JSON.stringify(annotations)}
spec:
  replicas: ${replicas}
  ${kind === "StatefulSet" ? `serviceName: ${name}` : "revisionHistoryLimit: 10"}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name}, switchyard.dev/kind: relay, app.kubernetes.io/name: ${name} }
    spec:
      containers:
        - name: relay
          image: switchyard/relay:2.0.0
          ${probe ? "readinessProbe: { httpGet: { path: /ready, port: 8081 } }" : "tty: false"}
          envFrom: [{ configMapRef: { name: ${name}-settings } }]
          env: [{ name: TOKEN, valueFrom: { secretKeyRef: { name: ${name}-secrets, key: token } } }]
`);
  const target = await until("the first revision is there", async () => {
    const read = await readTarget(context, ref);
    return read.templateHash === "" ? undefined : read;
  });
  return { ref, seen: { uid: target.workload.metadata.uid, templateHash: target.templateHash } };
}

type Started = { ref: ServiceRef; seen: StartRolloutInput["seen"] };

/** Asks for a rollout to 2.1.0 by a canary, unless told otherwise. */
export function start(
  context: StartContext,
  { ref, seen }: Started,
  input: Partial<StartRolloutInput> = {},
  key: string = randomUUID(),
) {
  const body: StartRolloutInput = {
    strategy: canary,
    change: { image: { container: "relay", image: "switchyard/relay:2.1.0" } },
    reason: "tried in a test",
    seen,
    ...input,
  };
  return startStrategy(context, { ref, body, key });
}
