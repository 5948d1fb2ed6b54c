import type { V1Container, V1PodSpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { FieldErrors } from "./field-errors.ts";
import { validatePodSpec } from "./pod-validation.ts";

function problems(spec: Partial<V1PodSpec>): string[] {
  const errors = new FieldErrors();
  validatePodSpec({ containers: [container()], ...spec }, "spec", errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

function container(fields: Partial<V1Container> = {}): V1Container {
  return { name: "main", image: "web:1", ...fields };
}

describe("what a container requests", () => {
  it.each([
    [{ requests: { cpu: "500m" }, limits: { cpu: "0.5" } }],
    [{ requests: { memory: "1Gi" }, limits: { cpu: "1" } }],
    [{ limits: { memory: "64Mi" } }],
  ])("may be all of its limit: %j", (resources) => {
    expect(problems({ containers: [container({ resources })] })).toEqual([]);
  });

  it.each([
    ["cpu", "2", "1500m"],
    ["memory", "1Gi", "1000Mi"],
  ])("may not be more than its limit: %s", (name, request, limit) => {
    const resources = { requests: { [name]: request }, limits: { [name]: limit } };
    expect(problems({ containers: [container({ resources })] })).toEqual([
      `spec.containers[0].resources.requests: Invalid value: "${request}": must be less than or equal to ${name} limit of ${limit}`,
    ]);
  });

  it("is a quantity", () => {
    const [problem] = problems({ containers: [container({ resources: { requests: { cpu: "much" } } })] });
    expect(problem).toMatch(/^spec\.containers\[0\]\.resources\.requests\[cpu\]: Invalid value: "much": quantities must match/);
  });
});

describe("a restart policy", () => {
  it("makes an init container a sidecar", () => {
    expect(problems({ initContainers: [container({ name: "proxy", restartPolicy: "Always" })] })).toEqual([]);
  });

  it("of an init container may be Always alone", () => {
    expect(problems({ initContainers: [container({ name: "proxy", restartPolicy: "Never" })] })).toEqual([
      'spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
  });

  it("is the pod's, not a container's", () => {
    expect(problems({ containers: [container({ restartPolicy: "Always" })] })).toEqual([
      "spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers",
    ]);
  });
});
