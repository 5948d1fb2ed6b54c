import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../../api.ts";
import type { Deployment, Lease, Node, Pod } from "../objects.ts";
import { findCondition, isReady } from "../pod-state.ts";
import { startControllers } from "../start.ts";
import { eventually } from "../test/eventually.ts";
import { FakeTime } from "../test/fake-time.ts";
import { MemoryCluster } from "../test/memory-cluster.ts";
import { template } from "../test/objects.ts";
import { nodeAddress, podAddress, runningStatus } from "./plan.ts";

const label = { "switchyard.dev/virtual": "true" };
let time: FakeTime;
let cluster: MemoryCluster;
let controllers: { stop(): Promise<void> };

beforeEach(async () => {
  time = new FakeTime();
  cluster = new MemoryCluster(time);
  await cluster.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "fleet" } });
  controllers = startControllers({ cluster, logger: createLogger("test", "silent"), clock: time, timers: time });
  await createNode("virtual-1");
});

afterEach(() => controllers.stop());

async function createNode(name: string): Promise<void> {
  await cluster.create<Node>(resources.nodes, { apiVersion: "v1", kind: "Node", metadata: { name, labels: label } });
}

const pods = () => cluster.list<Pod>(resources.pods, { namespace: "fleet" });
const findNode = (name: string) => cluster.get<Node>(resources.nodes, "", name);
const readyOf = (name: string) => findCondition(findNode(name)?.status?.conditions, "Ready")?.status;

async function createDeployment(replicas: number): Promise<void> {
  await cluster.create<Deployment>(resources.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "relay", namespace: "fleet" },
    spec: { replicas, selector: { matchLabels: { app: "relay" } }, template: template() },
  });
}

describe("a node labelled virtual", () => {
  it("is ready with room for pods, as long as it carries the label", async () => {
    await eventually("ready", () => readyOf("virtual-1") === "True");
    expect(findNode("virtual-1")?.status?.allocatable).toEqual({ cpu: "32", memory: "256Gi", pods: "250" });
    for (let step = 0; step < 10; step += 1) {
      time.advance(10_000);
      await eventually("a fresh lease", () => {
        const lease = cluster.get<Lease>(resources.leases, "kube-node-lease", "virtual-1");
        const ageMs = time.now().getTime() - Date.parse(lease?.spec?.renewTime ?? "");
        return ageMs < 10_000;
      });
    }
    expect(readyOf("virtual-1")).toBe("True");
    const node = findNode("virtual-1");
    if (node) await cluster.update(resources.nodes, { ...node, metadata: { ...node.metadata, labels: {} } });
    // The last heartbeat may be seen only after the clock has moved.
    await eventually("unknown", () => {
      time.advance(10_000);
      return readyOf("virtual-1") === "Unknown";
    });
  });

  it("reports its pods as running and ready, each with an address of its own, and ends them", async () => {
    await createDeployment(20);
    await eventually("20 ready pods", () => pods().filter(isReady).length === 20);
    expect(pods().every(({ status }) => status?.phase === "Running")).toBe(true);
    const addresses = pods().map(({ status }) => status?.podIP ?? "");
    expect(new Set(addresses).size).toBe(20);
    expect(addresses.every((address) => address.startsWith("127.192."))).toBe(true);
    await cluster.delete(resources.deployments, "fleet", "relay");
    await eventually("no pods", () => pods().length === 0);
  });

  it("gives no address twice after the process has started again", async () => {
    await createDeployment(5);
    await eventually("5 ready pods", () => pods().filter(isReady).length === 5);
    await controllers.stop();
    controllers = startControllers({ cluster, logger: createLogger("test", "silent"), clock: time, timers: time });
    const relay = cluster.get<Deployment>(resources.deployments, "fleet", "relay");
    if (relay) await cluster.update(resources.deployments, { ...relay, spec: { ...relay.spec, replicas: 9 } });
    await eventually("9 ready pods", () => pods().filter(isReady).length === 9);
    expect(new Set(pods().map(({ status }) => status?.podIP)).size).toBe(9);
  });
});

describe("the status of a virtual pod", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const pod = (changes: object = {}, status: Pod["status"] = {}): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", namespace: "fleet", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { nodeName: "virtual-1", containers: [{ name: "main", image: "x:1" }], ...changes },
    status,
  });

  it("is written once", () => {
    const first = runningStatus(pod(), () => podAddress(1), now);
    expect(first).toMatchObject({ phase: "Running", podIP: "127.192.0.2", hostIP: nodeAddress("virtual-1") });
    expect(runningStatus(pod({}, first), () => podAddress(2), now)).toBeUndefined();
  });

  it("shows init containers as completed and waits for readiness gates", () => {
    const gated = pod({ initContainers: [{ name: "first" }], readinessGates: [{ conditionType: "example.com/ok" }] });
    const status = runningStatus(gated, () => podAddress(1), now);
    expect(status?.initContainerStatuses).toMatchObject([{ name: "first", state: { terminated: { exitCode: 0 } } }]);
    expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
    const open = { ...status, conditions: [...(status?.conditions ?? []), { type: "example.com/ok", status: "True" as const }] };
    expect(findCondition(runningStatus(pod(gated.spec, open), () => "", now)?.conditions, "Ready")?.status).toBe("True");
  });

  it("leaves a pod that has ended alone", () => {
    expect(runningStatus(pod({}, { phase: "Succeeded" }), () => podAddress(1), now)).toBeUndefined();
  });
});
