import { describe, expect, it } from "vitest";
import type { HorizontalPodAutoscaler } from "#lib/kubernetes/objects.ts";
import { describeMovement, findProblem } from "./movement.ts";

const now = new Date("2026-01-01T12:00:00Z");

function autoscaler(status: HorizontalPodAutoscaler["status"]): HorizontalPodAutoscaler {
  return {
    metadata: {
      name: "relay-hpa",
      namespace: "fleet",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: { minReplicas: 3, maxReplicas: 20, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "relay" } },
    status,
  };
}

const scaled = (secondsAgo: number) => new Date(now.getTime() - secondsAgo * 1000).toISOString();
const condition = (type: string, status: string, reason: string) => ({ type, status, reason, message: `${reason} it said` });
const active = [condition("AbleToScale", "True", "ReadyForNewScale"), condition("ScalingActive", "True", "ValidMetricFound")];
const blind = [
  condition("AbleToScale", "True", "SucceededGetScale"),
  condition("ScalingActive", "False", "FailedGetResourceMetric"),
];

describe("whether an autoscaler moves", () => {
  it.each<[string, HorizontalPodAutoscaler["status"], boolean]>([
    ["has never looked", undefined, false],
    ["has looked and is content", { currentReplicas: 3, desiredReplicas: 3, conditions: active }, false],
    ["wants another number", { currentReplicas: 3, desiredReplicas: 5, conditions: active }, true],
    ["has just scaled", { currentReplicas: 5, desiredReplicas: 5, lastScaleTime: scaled(29), conditions: active }, true],
    [
      "has looked twice since it scaled",
      { currentReplicas: 5, desiredReplicas: 5, lastScaleTime: scaled(30), conditions: active },
      false,
    ],
    [
      "scaled by a clock that is ahead",
      { currentReplicas: 5, desiredReplicas: 5, lastScaleTime: scaled(-3), conditions: active },
      true,
    ],
    ["scaled by a clock that is an hour ahead", { desiredReplicas: 5, lastScaleTime: scaled(-3600), conditions: active }, false],
    ["has an old wish and no metrics any more", { currentReplicas: 3, desiredReplicas: 5, conditions: blind }, false],
    ["has known a wish only", { desiredReplicas: 0, conditions: [] }, false],
  ])("when it %s", (_, status, moves) => {
    expect(describeMovement(autoscaler(status), now) !== null).toBe(moves);
  });

  it("is said with the autoscaler's name and the numbers", () => {
    expect(describeMovement(autoscaler({ currentReplicas: 3, desiredReplicas: 5, conditions: active }), now)).toBe(
      "The autoscaler relay-hpa is changing relay from 3 to 5 instances.",
    );
    const settled = { currentReplicas: 5, desiredReplicas: 5, lastScaleTime: scaled(12), conditions: active };
    expect(describeMovement(autoscaler(settled), now)).toBe("The autoscaler relay-hpa set relay to 5 instances 12 s ago.");
  });
});

describe("an autoscaler's problem", () => {
  it("is told in its own words", () => {
    expect(findProblem(autoscaler({ conditions: blind }))).toBe("FailedGetResourceMetric it said");
  });

  it("is none when it works, and none when the service is scaled to nothing on purpose", () => {
    expect(findProblem(autoscaler({ conditions: active }))).toBeNull();
    expect(findProblem(autoscaler({ conditions: [condition("ScalingActive", "False", "ScalingDisabled")] }))).toBeNull();
  });
});
