import { describe, expect, it } from "vitest";
import type { Pod } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { type Plan, planAutoscaler, type Target, type World } from "./plan.ts";
import { MetricError, type PodMetrics } from "./replicas.ts";
import type { AutoscalerStatus, HorizontalPodAutoscaler, MetricSpec } from "./types.ts";

const now = new Date("2026-01-01T01:00:00Z");

const cpu: MetricSpec = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
const memory: MetricSpec = {
  type: "Resource",
  resource: { name: "memory", target: { type: "AverageValue", averageValue: "100" } },
};
const queue: MetricSpec = {
  type: "Pods",
  pods: { metric: { name: "queue_length" }, target: { type: "AverageValue", averageValue: "10" } },
};

function autoscaler(spec: Partial<HorizontalPodAutoscaler["spec"]> = {}, status?: AutoscalerStatus): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace: "fleet", uid: "hpa", resourceVersion: "1", creationTimestamp: now.toISOString() },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [cpu],
      ...spec,
    },
    ...(status ? { status } : {}),
  };
}

function target(replicas: number, changes: Partial<Target> = {}): Target {
  const pods = Array.from({ length: replicas }, (_, index) => ({
    metadata: { name: `pod-${index}` },
    spec: { containers: [{ name: "main", resources: { requests: { cpu: "1", memory: "100" } } }] },
    status: {
      phase: "Running",
      startTime: "2026-01-01T00:00:00Z",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:10Z" }],
    },
  })) as unknown as Pod[];
  return { replicas, pods, selector: "app=web", rivals: [], ...changes };
}

const reading = (...values: number[]): PodMetrics =>
  new Map(values.map((value, index) => [`pod-${index}`, { value, atMs: now.getTime(), windowMs: 10_000 }]));

const plan = (world: Partial<World>): Plan =>
  planAutoscaler({
    autoscaler: autoscaler(),
    target: target(2),
    readings: [reading(500, 500)],
    history: undefined,
    now,
    ...world,
  });

const words = (status: AutoscalerStatus) =>
  Object.fromEntries((status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));

describe("an autoscaler whose metrics are at their targets", () => {
  it("keeps the replicas and tells what it saw", () => {
    const { status, events, rescale } = plan({});
    expect(rescale).toBeUndefined();
    expect(events).toEqual([]);
    expect(status).toMatchObject({ currentReplicas: 2, desiredReplicas: 2 });
    const current = { averageUtilization: 50, averageValue: "500m" };
    expect(status.currentMetrics).toEqual([{ type: "Resource", resource: { name: "cpu", current } }]);
    expect(status.lastScaleTime).toBeUndefined();
    expect(words(status)).toEqual({
      AbleToScale: "True ReadyForNewScale",
      ScalingActive: "True ValidMetricFound",
      ScalingLimited: "False DesiredWithinRange",
    });
  });

  it("writes the same status again when nothing changed", () => {
    const first = plan({});
    const later = new Date(now.getTime() + 15_000);
    const second = plan({ autoscaler: autoscaler({}, first.status), history: first.history, now: later });
    expect(second.status).toEqual(first.status);
  });
});

describe("an autoscaler that scales", () => {
  it("goes up, with event, condition and time", () => {
    const { rescale } = plan({ readings: [reading(1000, 1000)] });
    expect(rescale).toMatchObject({ from: 2, to: 4 });
    const { status, events } = rescale?.done ?? { events: [] };
    const message = "New size: 4; reason: cpu resource utilization (percentage of request) above target";
    expect(events).toEqual([{ type: "Normal", reason: "SuccessfulRescale", message }]);
    expect(status).toMatchObject({ currentReplicas: 2, desiredReplicas: 4, lastScaleTime: "2026-01-01T01:00:00Z" });
    expect(status && words(status).AbleToScale).toBe("True SucceededRescale");
  });

  it("goes down once its window allows it", () => {
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
    const { rescale } = plan({ autoscaler: autoscaler({ behavior }), readings: [reading(100, 100)] });
    expect(rescale).toMatchObject({ from: 2, to: 1 });
    expect(rescale?.done.events[0]?.message).toBe("New size: 1; reason: All metrics below target");
  });

  it("takes the most that any metric asks for", () => {
    const metrics = [cpu, memory, queue];
    const readings = [reading(500, 500), reading(250_000, 250_000), reading(20_000, 20_000)];
    const { rescale } = plan({ autoscaler: autoscaler({ metrics, maxReplicas: 20, behavior: {} }), readings });
    expect(rescale?.to).toBe(5);
    expect(rescale?.done.events[0]?.message).toBe("New size: 5; reason: memory resource above target");
    expect(rescale?.done.status.currentMetrics).toHaveLength(3);
  });

  it.each([
    [12, { maxReplicas: 10 }, 10, "Current number of replicas above Spec.MaxReplicas"],
    [1, { minReplicas: 3 }, 3, "Current number of replicas below Spec.MinReplicas"],
  ])("brings %i replicas within its bounds without looking at metrics", (replicas, spec, to, reason) => {
    const { rescale } = plan({ autoscaler: autoscaler(spec), target: target(replicas), readings: [new MetricError("none")] });
    expect(rescale?.to).toBe(to);
    expect(rescale?.done.events).toEqual([
      { type: "Normal", reason: "SuccessfulRescale", message: `New size: ${to}; reason: ${reason}` },
    ]);
  });

  it("tells when the target cannot be written", () => {
    const outcome = plan({ readings: [reading(1000, 1000)] }).rescale?.failed("the object has been modified");
    expect(outcome?.events[0]).toMatchObject({ type: "Warning", reason: "FailedRescale" });
    expect(outcome && words(outcome.status).AbleToScale).toBe("False FailedUpdateScale");
    expect(outcome?.status.lastScaleTime).toBeUndefined();
    expect(outcome?.history?.ups).toEqual([]);
  });
});

describe("an autoscaler that cannot scale", () => {
  it("is disabled while its target has no replicas", () => {
    const { status, rescale } = plan({ target: target(0), readings: [new MetricError("none")] });
    expect(rescale).toBeUndefined();
    expect(words(status)).toMatchObject({ ScalingActive: "False ScalingDisabled" });
    expect(status.desiredReplicas).toBe(0);
  });

  it("tells that its target is not there", () => {
    const { status, events } = plan({ target: new Error('deployments.apps "web" not found') });
    expect(words(status)).toEqual({ AbleToScale: "False FailedGetScale" });
    expect(findCondition(status.conditions, "AbleToScale")?.message).toBe(
      'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found',
    );
    expect(events).toEqual([{ type: "Warning", reason: "FailedGetScale", message: 'deployments.apps "web" not found' }]);
  });

  it("tells that it has no metrics, and keeps replicas and last values", () => {
    const before = plan({}).status;
    const missing = new MetricError("unable to get metrics for resource cpu: no metrics returned from resource metrics API");
    const { status, events, rescale } = plan({ autoscaler: autoscaler({}, before), readings: [missing] });
    expect(rescale).toBeUndefined();
    const inner = `failed to get cpu utilization: ${missing.message}`;
    expect(events).toEqual([
      { type: "Warning", reason: "FailedGetResourceMetric", message: inner },
      {
        type: "Warning",
        reason: "FailedComputeMetricsReplicas",
        message: `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${inner}`,
      },
    ]);
    expect(words(status).ScalingActive).toBe("False FailedGetResourceMetric");
    expect(findCondition(status.conditions, "ScalingActive")?.message).toBe(
      `the HPA was unable to compute the replica count: ${inner}`,
    );
    expect(status.currentReplicas).toBe(2);
  });

  it("scales up in spite of a metric that is not known, but not down", () => {
    const two = autoscaler({ metrics: [queue, cpu], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
    const unknown = new MetricError("unable to get metric queue_length: no metrics returned from custom metrics API");
    const rising = plan({ autoscaler: two, readings: [unknown, reading(1000, 1000)] });
    expect(rising.rescale?.to).toBe(4);
    expect(rising.rescale?.done.events.map(({ reason }) => reason)).toEqual(["FailedGetPodsMetric", "SuccessfulRescale"]);
    const falling = plan({ autoscaler: two, readings: [unknown, reading(100, 100)] });
    expect(falling.rescale).toBeUndefined();
    expect(words(falling.status).ScalingActive).toBe("False FailedGetPodsMetric");
  });

  it("refuses pods that another autoscaler scales, too", () => {
    const { status, rescale } = plan({
      target: target(2, { rivals: ["{web fleet}", "{other fleet}"] }),
      readings: [reading(999, 999)],
    });
    expect(rescale).toBeUndefined();
    expect(words(status).ScalingActive).toBe("False AmbiguousSelector");
    expect(findCondition(status.conditions, "ScalingActive")?.message).toBe(
      "pods by selector app=web are controlled by multiple HPAs: [{web fleet} {other fleet}]",
    );
  });

  it("keeps the time of a condition while its status stays", () => {
    const before = plan({ target: new Error("gone") }).status;
    const later = new Date(now.getTime() + 60_000);
    const again = plan({ target: new Error("still gone"), autoscaler: autoscaler({}, before), now: later }).status;
    expect(again.conditions?.[0]).toMatchObject({ lastTransitionTime: "2026-01-01T01:00:00Z", reason: "FailedGetScale" });
    const back = plan({ autoscaler: autoscaler({}, again), now: later }).status;
    expect(findCondition(back.conditions, "AbleToScale")?.lastTransitionTime).toBe("2026-01-01T01:01:00Z");
  });
});
