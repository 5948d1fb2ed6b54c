import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HorizontalPodAutoscaler, type Node, type Pod, paths } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import { changeLimits, previewLimits } from "./commands.ts";

let world: TestWorld;

const ref = { namespace: "fleet", name: "relay" };

beforeAll(async () => {
  world = await startTestWorld();
  await world.cluster.create(`${nodesYaml}---${fleetYaml}`);
});
afterAll(() => world?.stop());

// Two nodes that are open, one of them nearly full, one that is cordoned and one that is not tolerated.
const nodesYaml = `
apiVersion: v1
kind: Node
metadata: { name: open, labels: { switchyard.dev/virtual: "true" } }
status: { capacity: { cpu: "2", memory: 4Gi, pods: "110" } }
---
apiVersion: v1
kind: Node
metadata: { name: narrow, labels: { switchyard.dev/virtual: "true" } }
status: { capacity: { cpu: "4", memory: 1Gi, pods: "110" } }
---
apiVersion: v1
kind: Node
metadata: { name: cordoned, labels: { switchyard.dev/virtual: "true" } }
spec: { unschedulable: true }
status: { capacity: { cpu: "8", memory: 8Gi, pods: "110" } }
---
apiVersion: v1
kind: Node
metadata: { name: tainted, labels: { switchyard.dev/virtual: "true" } }
spec: { taints: [{ key: dedicated, value: database, effect: NoSchedule }] }
status: { capacity: { cpu: "8", memory: 8Gi, pods: "110" } }
`;

const workloadYaml = (name: string, replicas: number, requests: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: fleet, labels: { switchyard.dev/kind: relay } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers: [{ name: main, image: "switchyard/relay:2.0.0", resources: { requests: ${requests} } }]
`;
const fleetYaml = `${workloadYaml("hub", 2, "{ cpu: 150m, memory: 100Mi }")}---${workloadYaml("relay", 3, "{ cpu: 300m, memory: 200Mi }")}---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: relay-hpa, namespace: fleet }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: relay }
  minReplicas: 3
  maxReplicas: 20
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
`;

async function listPods(app: string): Promise<Pod[]> {
  return world.kubernetes.list<Pod>(paths.podsOf("fleet"), { labelSelector: `app=${app}` });
}

test("the scheduler places as many instances as were forecast, and leaves waiting those that were", async () => {
  const { context, kubernetes } = world;
  await until("everything is placed", async () => {
    const pods = [...(await listPods("hub")), ...(await listPods("relay"))];
    return pods.length === 5 && pods.every(({ spec }) => spec.nodeName);
  });
  expect((await kubernetes.list<Node>(paths.nodes)).map(({ status }) => status?.allocatable?.cpu).toSorted()).toEqual([
    "2",
    "4",
    "8",
    "8",
  ]);
  const autoscaler = await kubernetes.get<HorizontalPodAutoscaler>(paths.autoscaler("fleet", "relay-hpa"));
  const seen = { uid: autoscaler.metadata.uid, minReplicas: 3, maxReplicas: 20 };
  const body = { minReplicas: 20, maxReplicas: 20, durationSeconds: 600, reason: "a forecast is tried", seen };
  const { forecast } = await previewLimits(context, ref, body);
  expect(forecast).toMatchObject({ now: 3, peak: 20 });
  expect(forecast.room).toBeGreaterThan(0);
  expect(forecast.short).toBe(20 - 3 - forecast.room);
  expect(forecast.short).toBeGreaterThan(0);

  await changeLimits(context, { ref, body, key: randomUUID() });
  const waiting = await until("the scheduler has looked at all of them", async () => {
    const pods = await listPods("relay");
    const refused = pods.filter(({ status }) =>
      status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable"),
    );
    const placed = pods.filter(({ spec }) => spec.nodeName);
    return pods.length === 20 && placed.length + refused.length === 20 ? refused : null;
  });
  expect(waiting).toHaveLength(forecast.short);
});
