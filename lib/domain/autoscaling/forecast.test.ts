import { describe, expect, it } from "vitest";
import type { HorizontalPodAutoscaler, Node, Pod, PodTemplate, Workload } from "#lib/kubernetes/objects.ts";
import { defaultStrategies, type Strategy } from "../rollouts/strategy.ts";
import { forecastPeak, type Undertaking } from "./forecast.ts";

const metadata = (name: string) => ({
  name,
  namespace: "fleet",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});
const template: PodTemplate = {
  spec: { containers: [{ name: "relay", resources: { requests: { cpu: "1" } } } as { name: string }] },
};

function relay(replicas: number, strategy: object = { rollingUpdate: { maxSurge: 1 } }): Workload {
  const spec = { replicas, selector: { matchLabels: { app: "relay" } }, template, strategy };
  return { kind: "Deployment", metadata: metadata("relay"), spec };
}

function autoscaler(minReplicas: number, maxReplicas: number): HorizontalPodAutoscaler {
  return {
    metadata: metadata("relay-hpa"),
    spec: { minReplicas, maxReplicas, scaleTargetRef: { kind: "Deployment", name: "relay" } },
  };
}

const nodes = (cpu: number): Node[] => [
  {
    metadata: metadata("node-1"),
    status: { conditions: [{ type: "Ready", status: "True" }], allocatable: { cpu: String(cpu) } },
  },
];
const pods = (count: number, labels: Record<string, string> = { app: "relay" }): Pod[] =>
  Array.from({ length: count }, (_, index) => ({
    metadata: { ...metadata(`relay-${index}`), labels },
    spec: { nodeName: "node-1", ...template.spec },
    status: { phase: "Running" },
  }));

function undertaking(parts: Partial<Undertaking>): Undertaking {
  return { workload: relay(3), autoscaler: null, template, strategy: null, byRoute: false, ...parts };
}

const canary = (...weights: number[]): Strategy => ({
  ...defaultStrategies.canary,
  steps: weights.map((weight) => ({ weight, pauseSeconds: 60 })),
});
const blueGreen = defaultStrategies["blue-green"];

describe("the most instances at once", () => {
  it.each<[string, Partial<Undertaking>, { stable: number; candidate: number; surge: number }]>([
    ["nothing changes", {}, { stable: 3, candidate: 0, surge: 0 }],
    ["the autoscaler goes to its most", { autoscaler: autoscaler(3, 20) }, { stable: 20, candidate: 0, surge: 0 }],
    [
      "the autoscaler is to get another most",
      { autoscaler: autoscaler(3, 20), limits: { min: 3, max: 30 } },
      { stable: 30, candidate: 0, surge: 0 },
    ],
    ["the autoscaler's most is less than what runs", { autoscaler: autoscaler(1, 2) }, { stable: 3, candidate: 0, surge: 0 }],
    ["it rolls", { strategy: defaultStrategies.rolling }, { stable: 3, candidate: 0, surge: 1 }],
    [
      "it rolls with the default surge, a quarter rounded up",
      { strategy: defaultStrategies.rolling, workload: relay(10, {}) },
      { stable: 10, candidate: 0, surge: 3 },
    ],
    [
      "all instances end before new ones begin",
      { strategy: defaultStrategies.rolling, workload: relay(10, { type: "Recreate" }) },
      { stable: 10, candidate: 0, surge: 0 },
    ],
    [
      "a canary takes the place of others, and the surge is no more than it",
      { strategy: canary(10), workload: relay(10) },
      { stable: 10, candidate: 1, surge: 0 },
    ],
    [
      "a canary takes the place of others, and the surge is more",
      { strategy: canary(10), workload: relay(10, { rollingUpdate: { maxSurge: "50%" } }) },
      { stable: 10, candidate: 1, surge: 4 },
    ],
    ["a canary grows to all", { strategy: canary(10, 50, 100), workload: relay(4) }, { stable: 4, candidate: 4, surge: 0 }],
    [
      "a canary stands beside all of the others, by a route",
      { strategy: canary(10, 50), workload: relay(10), byRoute: true },
      { stable: 10, candidate: 5, surge: 1 },
    ],
    [
      "a canary stands beside an autoscaler at its most",
      { strategy: canary(10), workload: relay(3), autoscaler: autoscaler(3, 20) },
      { stable: 20, candidate: 1, surge: 1 },
    ],
    [
      "the other colour is as large as an autoscaler makes the service",
      { strategy: blueGreen, autoscaler: autoscaler(3, 20) },
      { stable: 20, candidate: 20, surge: 1 },
    ],
  ])("when %s", (_, parts, expected) => {
    const { peak, parts: counted } = forecastPeak(undertaking(parts), nodes(100), []);
    expect(counted).toEqual(expected);
    expect(peak).toBe(expected.stable + expected.candidate + expected.surge);
  });

  it("needs room only for those that are not there yet, and says how many would wait", () => {
    const forecast = forecastPeak(undertaking({ strategy: canary(10), autoscaler: autoscaler(3, 20) }), nodes(10), [
      ...pods(3),
      ...pods(2, { app: "hub" }),
    ]);
    expect(forecast).toMatchObject({ now: 3, peak: 22, room: 5, short: 14 });
    expect(forecast.message).toBe(
      "At most 22 instances at once (20 of the service, 1 of the candidate, 1 more while instances are replaced): 3 have a node now, and the nodes have room for 5 more, so 14 of them would wait for room.",
    );
  });

  it("says so when all of them fit", () => {
    const forecast = forecastPeak(undertaking({}), nodes(4), pods(1));
    expect(forecast).toMatchObject({ now: 1, peak: 3, room: 3, short: 0 });
    expect(forecast.message).toBe(
      "At most 3 instances at once: 1 has a node now, and the nodes have room for 3 more, so all of them fit.",
    );
  });

  it("seeks room for what the new template requests", () => {
    const larger: PodTemplate = {
      spec: { containers: [{ name: "relay", resources: { requests: { cpu: "2" } } } as { name: string }] },
    };
    expect(forecastPeak(undertaking({ strategy: blueGreen, template: larger }), nodes(7), pods(3))).toMatchObject({
      room: 2,
      short: 2,
    });
  });
});

describe("what an operator has to know of the autoscaler meanwhile", () => {
  const notes = (parts: Partial<Undertaking>) => forecastPeak(undertaking(parts), nodes(100), []).notes;

  it("is that a rollout waits for it, and that it counts a candidate's instances", () => {
    expect(notes({ autoscaler: autoscaler(3, 20), strategy: canary(10) })).toEqual([
      "While the autoscaler relay-hpa changes the number of instances, the rollout does not advance.",
      "The autoscaler relay-hpa counts the candidate's instances with the service's own, because its selector finds both: it may ask for up to 1 more than the load needs, and by a metric that more instances do not lower, such as memory, for its most.",
    ]);
  });

  it("is which share a weight comes to when stable gives up nothing for the candidate", () => {
    const said = (parts: Partial<Undertaking>) =>
      notes({ autoscaler: autoscaler(3, 20), workload: relay(10), ...parts }).filter((note) => note.includes("share"));
    expect(said({ strategy: canary(10, 50, 100) })).toEqual([
      "The autoscaler relay-hpa keeps stable's number, so by instances the candidate's share is smaller than its weight: about 33 % at 50 %.",
    ]);
    expect(said({ strategy: canary(100) })).toEqual([]);
    expect(said({ strategy: canary(50), byRoute: true })).toEqual([]);
    expect(said({ strategy: canary(50), autoscaler: null })).toEqual([]);
  });

  it("is nothing without an autoscaler, or without a rollout", () => {
    expect(notes({ strategy: canary(10) })).toEqual([]);
    expect(notes({ autoscaler: autoscaler(3, 20) })).toEqual([]);
  });

  it("is which rules of placement were not counted", () => {
    const spread = { spec: { ...template.spec, topologySpreadConstraints: [{ whenUnsatisfiable: "DoNotSchedule" }] } };
    expect(notes({ template: spread })).toEqual([
      "The pod template's rules of affinity or spread are not counted; they can make the room smaller.",
    ]);
  });
});
