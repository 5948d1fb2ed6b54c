import type { V2HorizontalPodAutoscalerSpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { validateAutoscaler } from "./autoscaler-validation.ts";
import { FieldErrors } from "./field-errors.ts";

const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
const good: V2HorizontalPodAutoscalerSpec = {
  scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
  minReplicas: 1,
  maxReplicas: 5,
  metrics: [cpu],
};

function problems(spec: object): string[] {
  const errors = new FieldErrors();
  validateAutoscaler({ ...good, ...spec }, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const target = { type: "AverageValue", averageValue: "10" };
const metric = { name: "queue" };
const policy = { type: "Pods", value: 1, periodSeconds: 60 };

describe("a HorizontalPodAutoscaler", () => {
  it.each([
    ["with one resource", {}],
    [
      "with every source",
      {
        metrics: [
          cpu,
          { type: "ContainerResource", containerResource: { name: "memory", container: "main", target } },
          { type: "Pods", pods: { metric, target } },
          { type: "Object", object: { metric, target: { type: "Value", value: "1" }, describedObject: good.scaleTargetRef } },
          { type: "External", external: { metric, target } },
        ],
      },
    ],
    [
      "with a behaviour",
      { behavior: { scaleUp: { policies: [policy], selectPolicy: "Min", stabilizationWindowSeconds: 3600 } } },
    ],
  ])("%s is taken", (_, spec) => expect(problems(spec)).toEqual([]));

  it.each([
    [{ minReplicas: 0 }, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
    [{ minReplicas: undefined, maxReplicas: 0 }, "spec.maxReplicas: Invalid value: 0: must be greater than 0"],
    [{ minReplicas: 6 }, "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"],
    [{ scaleTargetRef: { kind: "", name: "web" } }, "spec.scaleTargetRef.kind: Required value"],
    [
      { scaleTargetRef: { kind: "Deployment", name: "a/b" } },
      `spec.scaleTargetRef.name: Invalid value: "a/b": may not contain '/'`,
    ],
    [
      { metrics: [{ type: "Nonsense" }] },
      'spec.metrics[0].type: Unsupported value: "Nonsense": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
    [
      { metrics: [{ type: "Pods" }] },
      "spec.metrics[0].pods: Required value: must populate information for the given metric source",
    ],
    [
      { metrics: [{ ...cpu, pods: { metric, target } }] },
      "spec.metrics[0].pods: Forbidden: must populate the given metric source only",
    ],
    [
      { metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }] },
      "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
    ],
    [
      { metrics: [{ type: "Resource", resource: { name: "cpu", target: { ...target, averageUtilization: 5 } } }] },
      "spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
    ],
    [
      { metrics: [{ type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "-1" } } }] },
      'spec.metrics[0].pods.target.averageValue: Invalid value: "-1": must be positive',
    ],
    [
      { behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } },
      "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
    ],
    [
      { behavior: { scaleUp: { policies: [] } } },
      "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
    ],
    [
      { behavior: { scaleUp: { selectPolicy: "Most" } } },
      'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
    ],
    [
      { behavior: { scaleUp: { policies: [{ ...policy, periodSeconds: 1801 }] } } },
      "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
    ],
    [
      { behavior: { scaleUp: { policies: [{ ...policy, value: 0 }] } } },
      "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
    ],
  ])("%j is refused", (spec, problem) => expect(problems(spec)).toEqual([problem]));
});
