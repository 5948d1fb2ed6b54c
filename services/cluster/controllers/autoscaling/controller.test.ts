import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../../api.ts";
import type { Context, Controller } from "../controller.ts";
import { EventRecorder } from "../events.ts";
import { createIndexes } from "../indexes.ts";
import type { Deployment, KubeEvent, Pod } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { eventually } from "../test/eventually.ts";
import { FakeTime } from "../test/fake-time.ts";
import { MemoryCluster } from "../test/memory-cluster.ts";
import { deployment, pod } from "../test/objects.ts";
import { View } from "../view.ts";
import { startAutoscaler } from "./controller.ts";
import type { PodsMetricSource } from "./sources.ts";
import type { HorizontalPodAutoscaler } from "./types.ts";

const namespace = "fleet";
const logger = createLogger("autoscaler-test", "silent");

let time: FakeTime;
let cluster: MemoryCluster;
let controller: Controller;
let events: EventRecorder;
let view: View;
/** What every pod's queue_length is, and how often it was asked for. */
let queue: { length: number; asked: number; hold?: Promise<void> };

beforeEach(async () => {
  time = new FakeTime();
  cluster = new MemoryCluster(time);
  queue = { length: 10, asked: 0 };
  const pods: PodsMetricSource = {
    async read(_, __, names) {
      queue.asked += 1;
      await queue.hold;
      return new Map(names.map((name) => [name, queue.length]));
    },
  };
  view = new View(cluster);
  events = new EventRecorder({ cluster, clock: time, logger });
  const context: Context = {
    cluster,
    view,
    indexes: createIndexes(view),
    clock: time,
    timers: time,
    logger,
    nodeGraceMs: 40_000,
    recorder: (component) => events.source(component),
    autoscaling: {
      sources: { resources: { findPod: () => undefined, findNode: () => undefined }, pods },
    },
  };
  controller = startAutoscaler(context);
  view.start();
  await cluster.create<Deployment>(resources.deployments, deployment({ replicas: 2 }));
  for (const name of ["relay-1", "relay-2"]) await cluster.create<Pod>(resources.pods, pod(name));
});

afterEach(async () => {
  view.stop();
  await controller.stop();
  await events.flush();
});

function create(name = "relay", spec: Partial<HorizontalPodAutoscaler["spec"]> = {}) {
  const target = { type: "AverageValue", averageValue: "10" } as const;
  return cluster.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "relay" },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: "Pods", pods: { metric: { name: "queue_length" }, target } }],
      ...spec,
    },
  });
}

const read = (name = "relay") => cluster.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, namespace, name);
const replicas = () => cluster.get<Deployment>(resources.deployments, namespace, "relay")?.spec.replicas;
const scalingActive = (name = "relay") => findCondition(read(name)?.status?.conditions, "ScalingActive")?.reason;

async function change(spec: Partial<HorizontalPodAutoscaler["spec"]>): Promise<void> {
  const autoscaler = read();
  if (!autoscaler) throw new Error("there is no autoscaler");
  await cluster.update<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    ...autoscaler,
    spec: { ...autoscaler.spec, ...spec },
  });
}

describe("the autoscaler", () => {
  it("looks at a new autoscaler at once and again every 15 s, and writes only what is new", async () => {
    await create();
    await eventually("a status", () => read()?.status?.conditions?.length === 3);
    const writes = cluster.writes;
    for (let pass = 2; pass <= 4; pass += 1) {
      time.advance(14_999);
      expect(queue.asked).toBe(pass - 1);
      time.advance(1);
      await eventually("another pass", () => queue.asked === pass);
      await controllerIsIdle();
    }
    expect(cluster.writes).toBe(writes);
    expect(replicas()).toBe(2);
  });

  it("writes the target's replicas and its own status, and records the event", async () => {
    queue.length = 15;
    await create();
    await eventually("a status", () => read()?.status?.lastScaleTime);
    expect(replicas()).toBe(3);
    expect(read()?.status).toMatchObject({ currentReplicas: 2, desiredReplicas: 3 });
    await events.flush();
    const [event] = cluster.list<KubeEvent>(resources.events);
    expect(event).toMatchObject({
      reason: "SuccessfulRescale",
      message: "New size: 3; reason: pods metric queue_length above target",
      involvedObject: { kind: "HorizontalPodAutoscaler", name: "relay" },
      source: { component: "horizontal-pod-autoscaler" },
    });
  });

  it("acts at once on a changed spec", async () => {
    await create();
    await eventually("a status", () => read()?.status?.conditions?.length === 3);
    await change({ minReplicas: 4 });
    await eventually("four replicas", () => replicas() === 4);
  });

  it("decides by the spec of the moment when it changed while metrics were read", async () => {
    let release = () => {};
    queue = { length: 50, asked: 0, hold: new Promise((resolve) => (release = resolve)) };
    await create();
    await eventually("the metric is being read", () => queue.asked === 1);
    await change({ maxReplicas: 2 });
    release();
    await eventually("a status", () => read()?.status?.desiredReplicas === 2);
    expect(replicas()).toBe(2);
  });

  it("holds a scale-down for 300 s", async () => {
    await create();
    await eventually("a status", () => read()?.status?.desiredReplicas === 2);
    queue.length = 1;
    time.advance(15_000);
    await eventually(
      "it is held",
      () => findCondition(read()?.status?.conditions, "AbleToScale")?.reason === "ScaleDownStabilized",
    );
    expect(replicas()).toBe(2);
    for (let seconds = 30; seconds < 300; seconds += 15) {
      await controllerIsIdle();
      time.advance(15_000);
    }
    await eventually("the last pass before", () => queue.asked === 20);
    await controllerIsIdle();
    expect(replicas()).toBe(2);
    time.advance(15_000);
    await eventually("one replica", () => replicas() === 1);
  });

  it("does not scale pods that two autoscalers want", async () => {
    queue.length = 50;
    await cluster.create<Deployment>(resources.deployments, {
      ...deployment({ replicas: 0 }),
      metadata: { ...deployment().metadata, name: "shadow" },
    });
    const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "shadow" };
    await create("shadow", { scaleTargetRef });
    await create();
    await eventually("it is told", () => scalingActive() === "AmbiguousSelector");
    expect(replicas()).toBe(2);
  });

  it("tells what it cannot scale", async () => {
    await create("job", { scaleTargetRef: { apiVersion: "batch/v1", kind: "Job", name: "relay" } });
    await create("gone", { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "gone" } });
    const why = (name: string) => findCondition(read(name)?.status?.conditions, "AbleToScale")?.message;
    await eventually("both are told", () => why("job") !== undefined && why("gone") !== undefined);
    const unable = "the HPA controller was unable to get the target's current scale: ";
    expect(why("job")).toBe(`${unable}no matches for kind "Job" in group "batch"`);
    expect(why("gone")).toBe(`${unable}deployments.apps "gone" not found`);
  });
});

/** Lets the pass under way write its last words. */
async function controllerIsIdle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
