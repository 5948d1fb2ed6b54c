import type { V1NodeSpec, V1PodDisruptionBudgetSpec, V1PodSpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { validateBudget } from "./disruption-validation.ts";
import { FieldErrors } from "./field-errors.ts";
import { validateNode } from "./node-validation.ts";
import { onlyFewerGates, validateScheduling } from "./scheduling-validation.ts";

function problems(check: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const ofPod = (spec: object) => problems((errors) => validateScheduling(spec as V1PodSpec, "spec", errors));
const constraint = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway" };

describe("a pod's wishes for its place", () => {
  it.each<[string, object, string[]]>([
    ["are fine", { topologySpreadConstraints: [constraint] }, []],
    [
      "want a skew above zero",
      { topologySpreadConstraints: [{ ...constraint, maxSkew: 0 }] },
      ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
    ],
    [
      "name a known mode",
      { topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: "Perhaps" }] },
      [
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Perhaps": supported values: "DoNotSchedule", "ScheduleAnyway"',
      ],
    ],
    [
      "have minDomains only where they count",
      { topologySpreadConstraints: [{ ...constraint, minDomains: 2 }] },
      [
        "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
      ],
    ],
    [
      "are not said twice",
      { topologySpreadConstraints: [constraint, constraint] },
      ['spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, ScheduleAnyway}"'],
    ],
    [
      "name a topology in affinity terms",
      { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } } },
      [
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty",
      ],
    ],
    [
      "weigh 1 to 100",
      { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, preference: {} }] } } },
      [
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100",
      ],
    ],
  ])("%s", (_, spec, expected) => expect(ofPod(spec)).toEqual(expected));

  it("may lose gates, never gain them", () => {
    const gates = [{ name: "a" }, { name: "b" }];
    expect(onlyFewerGates([{ name: "b" }], gates)).toBe(true);
    expect(onlyFewerGates(undefined, gates)).toBe(true);
    expect(onlyFewerGates([{ name: "c" }], gates)).toBe(false);
  });
});

describe("a disruption budget", () => {
  it.each<[string, V1PodDisruptionBudgetSpec, string[]]>([
    ["counts one way", { minAvailable: "50%" }, []],
    [
      "does not count both ways",
      { minAvailable: 1, maxUnavailable: 1 },
      ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
    ],
    ["is not negative", { maxUnavailable: -1 }, ["spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"]],
    [
      "is at most everything",
      { minAvailable: "101%" },
      ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      "names a known policy",
      { unhealthyPodEvictionPolicy: "Never" },
      ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ],
  ])("%s", (_, spec, expected) => expect(problems((errors) => validateBudget(spec, errors))).toEqual(expected));
});

describe("the taints of a node", () => {
  it.each<[string, V1NodeSpec["taints"], string[]]>([
    ["are fine", [{ key: "a", value: "b", effect: "NoSchedule" }], []],
    [
      "have a known effect",
      [{ key: "a", effect: "Kill" }],
      ['spec.taints[0].effect: Unsupported value: "Kill": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"'],
    ],
    [
      "are unique by key and effect",
      [
        { key: "a", value: "1", effect: "NoSchedule" },
        { key: "a", value: "2", effect: "NoSchedule" },
      ],
      ['spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}'],
    ],
  ])("%s", (_, taints, expected) => expect(problems((errors) => validateNode({ taints }, errors))).toEqual(expected));
});
