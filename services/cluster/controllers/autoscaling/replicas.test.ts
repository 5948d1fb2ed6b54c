import { describe, expect, it } from "vitest";
import type { Pod } from "../objects.ts";
import { defaultRules, MetricError, type PodMetric, replicasForAverageValue, replicasForUtilization } from "./replicas.ts";

/** Most cases are those of Kubernetes' replica_calculator_test.go. */
const now = new Date("2026-01-01T01:00:00Z");
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString();

type PodCase = {
  uses?: number;
  requests?: string;
  phase?: string;
  ready?: boolean;
  startedMinutesAgo?: number;
  readyChangedMinutesAgo?: number;
  isDeleted?: boolean;
  measuredMinutesAgo?: number;
};

function podOf(options: PodCase, index: number): Pod {
  const { requests = "1", phase = "Running", ready = true, startedMinutesAgo = 60, readyChangedMinutesAgo = 59 } = options;
  return {
    metadata: { name: `pod-${index}`, ...(options.isDeleted ? { deletionTimestamp: now.toISOString() } : {}) },
    spec: { containers: [{ name: "main", resources: { requests: { cpu: requests, memory: requests } } }] },
    status: {
      phase,
      startTime: minutesAgo(startedMinutesAgo),
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: minutesAgo(readyChangedMinutesAgo) }],
    },
  } as unknown as Pod;
}

function questionOf(cases: PodCase[], currentReplicas = cases.length, resource = "cpu") {
  const metrics = new Map<string, PodMetric>();
  for (const [index, { uses, measuredMinutesAgo = 0 }] of cases.entries()) {
    const atMs = now.getTime() - measuredMinutesAgo * 60_000;
    if (uses !== undefined) metrics.set(`pod-${index}`, { value: uses, atMs, windowMs: 60_000 });
  }
  return { currentReplicas, pods: cases.map(podOf), metrics, resource, rules: { ...defaultRules, now } };
}

const using = (...values: number[]): PodCase[] => values.map((uses) => ({ uses }));
const unready = { ready: false, startedMinutesAgo: 60, readyChangedMinutesAgo: 60 };
const hot = { ready: true, startedMinutesAgo: 2, readyChangedMinutesAgo: 0.5 };

describe("replicas for a share of the requests", () => {
  it.each<[string, PodCase[], { target: number; current?: number }, number]>([
    ["doubles when twice the target is used", using(1000, 1000), { target: 50 }, 4],
    ["halves when half the target is used", using(250, 250, 250, 250), { target: 50 }, 2],
    ["scales up by the ratio, rounded up", using(300, 500, 700), { target: 30 }, 5],
    ["scales down by the ratio, rounded up", using(100, 300, 500, 250, 250), { target: 50 }, 3],
    ["keeps the count at 10% above the target", using(550, 550), { target: 50 }, 2],
    ["keeps the count at 10% below the target", using(450, 450), { target: 50 }, 2],
    ["acts at 12% above the target", using(560, 560), { target: 50 }, 3],
    ["keeps the count when exactly at the target", using(500, 500, 500), { target: 50 }, 3],
    [
      "takes a pending pod as using nothing on the way up",
      [...using(500, 700), { phase: "Pending" }],
      { target: 30, current: 3 },
      4,
    ],
    [
      "takes unready pods as using nothing on the way up: too little is left to scale",
      [{ uses: 400 }, { uses: 500, ...unready }, { uses: 700, ...unready }],
      { target: 30, current: 3 },
      3,
    ],
    [
      "leaves unready pods out on the way down",
      [{ uses: 100 }, { uses: 300 }, { uses: 500 }, { uses: 250 }, { uses: 250, ...unready }],
      { target: 50, current: 5 },
      3,
    ],
    [
      "leaves out pods that were just started and measured before they were ready",
      [{ uses: 1000, ...hot }, { uses: 500 }, { uses: 700 }],
      { target: 30, current: 3 },
      4,
    ],
    [
      "counts pods that were just started once a whole window was measured while they were ready",
      [{ uses: 600, ...hot, readyChangedMinutesAgo: 1.5 }, { uses: 600 }],
      { target: 30 },
      4,
    ],
    [
      "counts pods that became unready again after they had been ready for long",
      [{ uses: 600, ready: false, startedMinutesAgo: 60, readyChangedMinutesAgo: 5 }, { uses: 600 }],
      { target: 30 },
      4,
    ],
    [
      "leaves failed pods out",
      [{ uses: 500 }, { uses: 700 }, { phase: "Failed" }, { phase: "Failed" }],
      { target: 50, current: 2 },
      3,
    ],
    [
      "leaves pods that are being deleted out",
      [{ uses: 500 }, { uses: 700 }, { uses: 5000, isDeleted: true }],
      { target: 50, current: 2 },
      3,
    ],
    ["takes missing pods as using nothing on the way up", [{ uses: 1000 }, { uses: 1000 }, {}, {}], { target: 40 }, 5],
    ["keeps the count when missing pods undo a rise", [{ uses: 600 }, {}], { target: 50 }, 2],
    ["takes missing pods as using their request on the way down", [{ uses: 400 }, { uses: 400 }, {}], { target: 100 }, 2],
    ["keeps the count when missing pods undo a fall", [{ uses: 400 }, {}], { target: 50 }, 2],
    [
      "takes missing pods as using the target when it is above the request",
      [{ uses: 1000 }, { uses: 1000 }, {}],
      { target: 200 },
      2,
    ],
    ["never turns the direction because of the pods that are counted", [...using(1000), {}, {}], { target: 50, current: 4 }, 4],
  ])("%s", (_, pods, { target, current = pods.length }, expected) => {
    expect(replicasForUtilization(questionOf(pods, current), target).replicas).toBe(expected);
  });

  it("tells the share and the average value, of the pods that count alone", () => {
    const { averageUtilization, averageValue } = replicasForUtilization(questionOf([...using(300, 500, 700), {}]), 50);
    expect({ averageUtilization, averageValue }).toEqual({ averageUtilization: 50, averageValue: 500 });
  });

  it("refuses pods without requests, in Kubernetes' words", () => {
    const question = questionOf(using(500));
    const pods = [{ ...question.pods[0], spec: { containers: [{ name: "main" }] } } as Pod];
    const missing = () => replicasForUtilization({ ...question, pods }, 50);
    expect(missing).toThrow(new MetricError("missing request for cpu in container main of Pod pod-0"));
  });

  it("looks at the requests of one container for a metric of that container", () => {
    const question = questionOf(using(500));
    const [pod] = question.pods;
    const containers = [...(pod?.spec.containers ?? []), { name: "helper" }];
    const pods = [{ ...pod, spec: { containers } } as Pod];
    expect(replicasForUtilization({ ...question, pods }, 25, "main").replicas).toBe(2);
    expect(() => replicasForUtilization({ ...question, pods }, 25)).toThrow("container helper");
  });

  it("counts the requests of sidecars", () => {
    const question = questionOf(using(500));
    const [pod] = question.pods;
    const initContainers = [
      { name: "sidecar", restartPolicy: "Always", resources: { requests: { cpu: "1" } } },
      { name: "setup", resources: {} },
    ];
    const pods = [{ ...pod, spec: { ...pod?.spec, initContainers } } as Pod];
    expect(replicasForUtilization({ ...question, pods }, 25).averageUtilization).toBe(25);
  });

  it("does not decide without any measured pod that counts", () => {
    const none = "did not receive metrics for any targeted pods (pods might be unready)";
    expect(() => replicasForUtilization(questionOf([{ uses: 400, ...unready }]), 50)).toThrow(none);
    const empty = "no pods returned by selector while calculating replica count";
    expect(() => replicasForUtilization(questionOf([], 1), 50)).toThrow(empty);
  });
});

describe("replicas for an average value", () => {
  it.each<[string, PodCase[], { target: number; current?: number }, number]>([
    ["doubles at 200m for 100m (the documentation's example)", using(200_000), { target: 100_000 }, 2],
    ["halves (the documentation's example)", using(50_000, 50_000), { target: 100_000 }, 1],
    ["scales by the ratio of the averages", using(20_000, 10_000, 30_000), { target: 15_000 }, 4],
    ["scales down", using(12_000, 12_000, 12_000, 12_000, 12_000), { target: 20_000 }, 3],
    ["keeps the count within the tolerance", using(20_000, 21_000, 21_000), { target: 20_000 }, 3],
    [
      "does not ask whether pods are ready",
      [{ uses: 50_000, ...unready }, { uses: 15_000 }, { uses: 30_000 }],
      { target: 15_000 },
      7,
    ],
    ["takes pending pods as having nothing", [...using(50_000, 50_000), { phase: "Pending" }], { target: 15_000 }, 7],
    ["takes missing pods as being at the target on the way down", [...using(10_000, 10_000), {}], { target: 20_000 }, 2],
    ["takes missing pods as having nothing on the way up", [...using(40_000, 40_000), {}], { target: 20_000 }, 4],
    ["goes down to nothing when nothing is used; the autoscaler's minimum limits that", using(0, 0), { target: 20_000 }, 0],
  ])("%s", (_, pods, { target, current = pods.length }, expected) => {
    expect(replicasForAverageValue({ ...questionOf(pods, current), resource: undefined }, target).replicas).toBe(expected);
  });
});

describe("an autoscaler whose target's selector finds a rollout's candidate too", () => {
  /** The load in thousandths of a core spreads over all pods; returns the counts that the autoscaler sets, one after the other. */
  function follow(load: number, stable: number, candidate: number): number[] {
    const counts = [stable];
    for (let pass = 0; pass < 20; pass += 1) {
      const replicas = counts.at(-1) ?? stable;
      const all = replicas + candidate;
      const question = questionOf(using(...Array<number>(all).fill(Math.round(load / all))), replicas);
      counts.push(replicasForUtilization(question, 50).replicas);
    }
    return counts;
  }

  it.each([
    ["the load that it was sized for", 2_000, 3, 1],
    ["half as much again, at a tenth", 7_500, 9, 1],
    ["three times as much, at half", 6_000, 2, 2],
    ["twice as much, beside a second full size", 4_000, 4, 4],
  ])(
    "counts both and goes beyond the need by no more than the candidate's size, then stands: %s",
    (_, load, stable, candidate) => {
      const needed = Math.ceil(load / 500);
      const counts = follow(load, stable, candidate);
      expect(Math.max(...counts)).toBeLessThanOrEqual(needed + candidate);
      expect(new Set(counts.slice(-5)).size).toBe(1);
      // Within its tolerance of a tenth all pods together carry the load.
      expect((counts.at(-1) ?? 0) + candidate).toBeGreaterThanOrEqual(Math.floor(needed / 1.1));
    },
  );
});
