import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import type { Condition, KubeEvent, Node, Pod, Taint } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { startControllers } from "../start.ts";
import { eventually } from "../test/eventually.ts";
import { type FakeKubelet, startFakeKubelet } from "../test/fake-kubelet.ts";
import { FakeTime } from "../test/fake-time.ts";
import { MemoryCluster } from "../test/memory-cluster.ts";
import { node, pod } from "../test/objects.ts";

const logger = createLogger("lifecycle-test", "silent");
const tolerations = ["not-ready", "unreachable"].map((name) => ({
  key: `node.kubernetes.io/${name}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 30,
}));

let time: FakeTime;
/** How far the clock of the machine was set forward. */
let jumpMs: number;
let cluster: MemoryCluster;
let kubelet: FakeKubelet;
let controllers: { stop(): Promise<void> };

beforeEach(async () => {
  time = new FakeTime();
  jumpMs = 0;
  const clock = { now: () => new Date(time.now().getTime() + jumpMs) };
  cluster = new MemoryCluster(time);
  await cluster.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "fleet" } });
  for (const name of ["node-1", "node-2"]) await cluster.create(resources.nodes, node(name));
  controllers = startControllers({ cluster, logger, clock, timers: time, nodeGraceMs: 20_000 });
  kubelet = startFakeKubelet(cluster, time);
});

afterEach(async () => {
  kubelet.stop();
  await controllers.stop();
});

const findPod = (name: string) => cluster.get<Pod>(resources.pods, "fleet", name);
const findNode = (name: string) => cluster.get<Node>(resources.nodes, "", name);
const disruption = (name: string) => findCondition(findPod(name)?.status?.conditions, "DisruptionTarget");

async function runningPod(name: string, spec: object = { tolerations }): Promise<void> {
  await cluster.create(resources.pods, pod(name, { node: "node-1", phase: "Pending", readySince: false, spec }));
  await eventually(`${name} runs`, () => findCondition(findPod(name)?.status?.conditions, "Ready")?.status === "True");
}

/** For what must not happen: a pass that was woken takes a few turns of the event loop, and none of real time. */
async function passesHaveRun(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function taint(name: string, change: (taints: Taint[]) => Taint[]): Promise<void> {
  for (;;) {
    const current = findNode(name);
    if (!current) throw new Error(`no node ${name}`);
    const spec = { ...current.spec, taints: change(current.spec?.taints ?? []) };
    if (await cluster.update<Node>(resources.nodes, { ...current, spec }).catch(() => undefined)) return;
  }
}

async function lose(name: string): Promise<void> {
  kubelet.silence(name);
  await eventually("the taint", () => {
    time.advance(1_000);
    return findNode(name)?.spec?.taints?.some(({ effect }) => effect === "NoExecute");
  });
}

describe("the pods of a lost node", () => {
  it("are deleted after their tolerationSeconds, and stay Terminating since no kubelet ends them", async () => {
    await runningPod("a");
    await lose("node-1");
    const sinceMs = time.nowMs();
    await eventually("the deletion", () => {
      time.advance(1_000);
      return findPod("a")?.metadata.deletionTimestamp;
    });
    expect(time.nowMs() - sinceMs).toBeGreaterThanOrEqual(30_000);
    expect(time.nowMs() - sinceMs).toBeLessThan(40_000);
    expect(disruption("a")).toMatchObject({ status: "True", reason: "DeletionByTaintManager" });
    time.advance(31_000);
    await passesHaveRun();
    expect(findPod("a")).toBeDefined();
  });

  it("stay when the node is back in time", async () => {
    await runningPod("a");
    await lose("node-1");
    const current = findNode("node-1");
    if (!current) throw new Error("no node");
    const ready: Condition = { type: "Ready", status: "True", lastHeartbeatTime: timestamp(time.now()) };
    const conditions = [...(current.status?.conditions ?? []).filter(({ type }) => type !== "Ready"), ready];
    await cluster.updateStatus<Node>(resources.nodes, { ...current, status: { ...current.status, conditions } });
    await eventually("the taints are gone", () => (findNode("node-1")?.spec?.taints ?? []).length === 0);
    const told = () =>
      cluster.list<KubeEvent>(resources.events).some(({ message }) => message === "Cancelling deletion of Pod fleet/a");
    await eventually("the event", told);
    time.advance(31_000);
    await passesHaveRun();
    expect(findPod("a")?.metadata.deletionTimestamp).toBeUndefined();
  });

  it("are removed at once when the node is declared out of service", async () => {
    await runningPod("a");
    await lose("node-1");
    await taint("node-1", (all) => [
      ...all,
      { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" },
    ]);
    await eventually("the pod is gone", () => !findPod("a"));
  });

  it("are removed with the Node object", async () => {
    await runningPod("a");
    await cluster.delete(resources.nodes, "", "node-1");
    await eventually("a turn", () => !findNode("node-1"));
    expect(findPod("a")).toBeDefined();
    await eventually("the pod is gone", () => {
      time.advance(20_000);
      return !findPod("a");
    });
  });
});

describe("a machine whose clock is set an hour forward", () => {
  it("loses no node and evicts nobody before the time", async () => {
    await runningPod("a", { tolerations: [{ key: "maintenance", operator: "Exists", tolerationSeconds: 30 }] });
    await taint("node-1", (all) => [...all, { key: "maintenance", effect: "NoExecute" }]);
    await passesHaveRun();
    jumpMs = 3_600_000;
    await taint("node-1", (all) => [...all, { key: "maintenance", effect: "NoSchedule" }]);
    const current = findNode("node-1");
    if (!current) throw new Error("no node");
    await cluster.update<Node>(resources.nodes, { ...current, spec: { ...current.spec, unschedulable: true } });
    const unschedulable = "node.kubernetes.io/unschedulable";
    await eventually("a pass over the node", () => findNode("node-1")?.spec?.taints?.some(({ key }) => key === unschedulable));
    expect(findCondition(findNode("node-1")?.status?.conditions, "Ready")?.status).toBe("True");
    time.advance(29_000);
    await passesHaveRun();
    expect(findPod("a")?.metadata.deletionTimestamp).toBeUndefined();
    time.advance(2_000);
    await eventually("the end of the pod", () => !findPod("a"));
  });
});

describe("a NoExecute taint that a person sets", () => {
  const maintenance: Taint = { key: "maintenance", value: "tonight", effect: "NoExecute" };

  it("ends the pods that do not tolerate it, and only those", async () => {
    await runningPod("guest");
    await runningPod("tolerant", { tolerations: [{ key: "maintenance", operator: "Exists" }] });
    await taint("node-1", (all) => [...all, maintenance]);
    await eventually("the guest is gone", () => !findPod("guest"));
    expect(findPod("tolerant")?.metadata.deletionTimestamp).toBeUndefined();
  });
});
