import { describe, expect, it } from "vitest";
import type { KubeObject } from "../api.ts";
import { toV1, toV2 } from "./autoscaling-v1.ts";

const metadata = { name: "web", namespace: "fleet", uid: "1", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const memory = { type: "Resource", resource: { name: "memory", target: { type: "Utilization", averageUtilization: 50 } } };

const v1 = (spec: object): KubeObject => ({
  apiVersion: "autoscaling/v1",
  kind: "HorizontalPodAutoscaler",
  metadata,
  spec: { scaleTargetRef, maxReplicas: 5, ...spec },
});
const v2 = (spec: object, status?: object): KubeObject => ({
  ...v1({ minReplicas: 1, ...spec }),
  apiVersion: "autoscaling/v2",
  ...(status ? { status } : {}),
});

describe("autoscaling/v1", () => {
  it("writes its share of cpu as a metric", () => {
    expect(toV2(v1({ minReplicas: 1, targetCPUUtilizationPercentage: 70 }))).toEqual(v2({ metrics: [cpu(70)] }));
  });

  it("leaves the metric to the default when it has no share", () => {
    expect(toV2(v1({ minReplicas: 1 }))).toEqual(v2({}));
  });

  it("shows the share of cpu, and what is measured of it", () => {
    const status = {
      currentReplicas: 2,
      desiredReplicas: 3,
      lastScaleTime: "2026-01-01T00:00:00Z",
      currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 90, averageValue: "90m" } } }],
      conditions: [],
    };
    const shown = toV1(v2({ metrics: [memory, cpu(70)] }, status));
    expect(shown.apiVersion).toBe("autoscaling/v1");
    expect(shown.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 70 });
    const { currentReplicas, desiredReplicas, lastScaleTime } = status;
    expect(shown.status).toEqual({ currentReplicas, desiredReplicas, lastScaleTime, currentCPUUtilizationPercentage: 90 });
  });

  it("keeps the metrics and the behaviour that it does not know when it is written", () => {
    const behavior = { scaleDown: { stabilizationWindowSeconds: 5 } };
    const stored = v2({ metrics: [memory, cpu(70)], behavior }, { desiredReplicas: 3 });
    const written = toV2(v1({ minReplicas: 2, targetCPUUtilizationPercentage: 40 }), stored);
    expect(written).toEqual(v2({ minReplicas: 2, metrics: [cpu(40), memory], behavior }, { desiredReplicas: 3 }));
  });
});
