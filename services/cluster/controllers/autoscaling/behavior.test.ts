import { describe, expect, it } from "vitest";
import { decideReplicas, firstHistory, type History, withScaling } from "./behavior.ts";
import type { Behavior, ScalingPolicy } from "./types.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
const empty: History = { recommendations: [], ups: [], downs: [] };

const pods = (value: number, periodSeconds = 60): ScalingPolicy => ({ type: "Pods", value, periodSeconds });
const percent = (value: number, periodSeconds = 60): ScalingPolicy => ({ type: "Percent", value, periodSeconds });
const up = (rules: Behavior["scaleUp"]): Behavior => ({ scaleUp: rules });
const down = (rules: Behavior["scaleDown"]): Behavior => ({ scaleDown: { stabilizationWindowSeconds: 0, ...rules } });

/** Lets an autoscaler run: the same wish every `everySeconds`, the replicas following at once. */
function run(
  behavior: Behavior | undefined,
  steps: { current: number; wanted: number; every: number; passes: number; min?: number; max?: number },
) {
  const { wanted, every, passes, min = 1, max = 1000 } = steps;
  let history: History = empty;
  let current = steps.current;
  const result: number[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const nowMs = startMs + pass * every * 1000;
    const bounds = { currentReplicas: current, minReplicas: min, maxReplicas: max };
    const decision = decideReplicas(wanted, bounds, behavior, history, nowMs);
    history = withScaling(decision.history, behavior, { from: current, to: decision.replicas }, nowMs);
    current = decision.replicas;
    result.push(current);
  }
  return result;
}

describe("without a behaviour", () => {
  it.each([
    ["at most doubles", 10, 40, 20, "ScaleUpLimit"],
    ["may always go to four", 1, 40, 4, "ScaleUpLimit"],
    ["stops at the maximum", 90, 150, 100, "TooManyReplicas"],
    ["does what is wanted within the range", 10, 15, 15, "DesiredWithinRange"],
  ])("%s", (_, currentReplicas, wanted, replicas, reason) => {
    const decision = decideReplicas(wanted, { currentReplicas, minReplicas: 1, maxReplicas: 100 }, undefined, empty, startMs);
    expect(decision).toMatchObject({ replicas, scalingLimited: { reason } });
  });

  it("stops at the minimum, and says so", () => {
    const decision = decideReplicas(0, { currentReplicas: 5, minReplicas: 2, maxReplicas: 9 }, undefined, empty, startMs);
    const message = "the desired replica count is less than the minimum replica count";
    expect(decision.replicas).toBe(2);
    expect(decision.scalingLimited).toEqual({ status: "True", reason: "TooFewReplicas", message });
  });

  it("scales down only when nothing higher was recommended for 300 s", () => {
    const bounds = { currentReplicas: 5, minReplicas: 1, maxReplicas: 10 };
    const first = decideReplicas(2, bounds, undefined, firstHistory(5, startMs), startMs + 15_000);
    expect(first).toMatchObject({ replicas: 5, ableToScale: { reason: "ScaleDownStabilized" } });
    const soon = decideReplicas(2, bounds, undefined, first.history, startMs + 299_000);
    expect(soon.replicas).toBe(5);
    const later = decideReplicas(2, bounds, undefined, soon.history, startMs + 300_000);
    expect(later).toMatchObject({ replicas: 2, ableToScale: { reason: "ReadyForNewScale" } });
  });
});

describe("policies of a behaviour", () => {
  it.each<[string, Behavior, number, number[]]>([
    ["Pods: so many in each period", up({ policies: [pods(4)] }), 10, [14, 14, 18, 18, 22]],
    ["Percent: so much in each period, rounded up", up({ policies: [percent(50)] }), 3, [5, 5, 8, 8, 12]],
    ["Max, the default, takes the policy that allows most", up({ policies: [pods(4), percent(100)] }), 1, [5, 5, 10, 10, 20]],
    [
      "Min takes the policy that allows least",
      up({ selectPolicy: "Min", policies: [pods(4), percent(100)] }),
      1,
      [2, 2, 4, 4, 8],
    ],
    ["Disabled never scales up", up({ selectPolicy: "Disabled" }), 3, [3, 3, 3, 3, 3]],
    ["the default of scaleUp is 100% or 4 pods in 15 s", up({}), 1, [5, 10, 20, 40, 80]],
    ["a rule for scaleDown does not limit scaleUp", down({ selectPolicy: "Disabled" }), 1, [5, 10, 20, 40, 80]],
  ])("up: %s", (_, behavior, current, expected) => {
    expect(run(behavior, { current, wanted: 500, every: 30, passes: 5 })).toEqual(expected);
  });

  it.each<[string, Behavior, number, number[]]>([
    ["Pods: so many in each period", down({ policies: [pods(4)] }), 80, [76, 76, 72, 72, 68]],
    ["Percent: so much in each period, rounded down to what stays", down({ policies: [percent(10)] }), 80, [72, 72, 64, 64, 57]],
    [
      "the documentation's example: 10% while that is more than 4 pods",
      down({ policies: [pods(4), percent(10)] }),
      80,
      [72, 72, 64, 64, 57],
    ],
    ["below 40 replicas 4 pods are more than 10%", down({ policies: [pods(4), percent(10)] }), 36, [32, 32, 28, 28, 24]],
    [
      "Min takes the policy that removes least",
      down({ selectPolicy: "Min", policies: [pods(4), percent(10)] }),
      80,
      [76, 76, 72, 72, 68],
    ],
    ["Disabled never scales down", down({ selectPolicy: "Disabled" }), 80, [80, 80, 80, 80, 80]],
    ["the default of scaleDown is everything", down({}), 80, [1, 1, 1, 1, 1]],
  ])("down: %s", (_, behavior, current, expected) => {
    expect(run(behavior, { current, wanted: 1, every: 30, passes: 5 })).toEqual(expected);
  });

  it("says which limit held the count back", () => {
    const bounds = { currentReplicas: 10, minReplicas: 1, maxReplicas: 12 };
    const limitOf = (wanted: number, behavior: Behavior) =>
      decideReplicas(wanted, bounds, behavior, empty, startMs).scalingLimited;
    expect(limitOf(50, up({ policies: [pods(1)] }))).toMatchObject({ status: "True", reason: "ScaleUpLimit" });
    expect(limitOf(50, up({ policies: [pods(9)] }))).toMatchObject({ status: "True", reason: "TooManyReplicas" });
    expect(limitOf(0, down({ policies: [pods(1)] }))).toMatchObject({ status: "True", reason: "ScaleDownLimit" });
    expect(limitOf(0, down({}))).toMatchObject({ status: "True", reason: "TooFewReplicas" });
    expect(limitOf(11, up({ policies: [pods(9)] }))).toMatchObject({ status: "False", reason: "DesiredWithinRange" });
  });

  it("counts what was removed within the period when it adds again", () => {
    const behavior = { scaleUp: { policies: [pods(2)] }, scaleDown: { stabilizationWindowSeconds: 0 } };
    const bounds = { minReplicas: 1, maxReplicas: 100 };
    const fell = decideReplicas(4, { ...bounds, currentReplicas: 10 }, behavior, empty, startMs);
    const history = withScaling(fell.history, behavior, { from: 10, to: 4 }, startMs);
    const rise = decideReplicas(50, { ...bounds, currentReplicas: 4 }, behavior, history, startMs + 30_000);
    expect(rise.replicas).toBe(12);
  });
});

describe("stabilisation windows of a behaviour", () => {
  const behavior: Behavior = { scaleUp: { stabilizationWindowSeconds: 60 }, scaleDown: { stabilizationWindowSeconds: 120 } };
  const bounds = { currentReplicas: 5, minReplicas: 1, maxReplicas: 100 };
  const recommended = (...all: [number, number][]): History => ({
    ...empty,
    recommendations: all.map(([replicas, secondsAgo]) => ({ replicas, atMs: startMs - secondsAgo * 1000 })),
  });

  it.each<[string, number, History, number, string]>([
    ["up to the lowest of the window", 9, recommended([8, 30], [7, 50]), 7, "ScaleUpStabilized"],
    ["not up while the window holds the present count", 9, recommended([5, 30]), 5, "ScaleUpStabilized"],
    ["up at once when the window holds nothing lower", 9, recommended([5, 61]), 9, "ReadyForNewScale"],
    ["down to the highest of the window", 2, recommended([4, 100], [3, 10]), 4, "ScaleDownStabilized"],
    ["not down while the window holds more", 2, recommended([8, 100]), 5, "ScaleDownStabilized"],
    ["down when nothing higher is left in the window", 2, recommended([8, 121]), 2, "ReadyForNewScale"],
  ])("%s", (_, wanted, history, replicas, reason) => {
    expect(decideReplicas(wanted, bounds, behavior, history, startMs)).toMatchObject({ replicas, ableToScale: { reason } });
  });

  it("is 300 s for scaleDown when a behaviour does not say it", () => {
    const held = decideReplicas(2, bounds, { scaleUp: {} }, recommended([5, 299]), startMs);
    expect(held.replicas).toBe(5);
    expect(decideReplicas(2, bounds, { scaleUp: {} }, recommended([5, 301]), startMs).replicas).toBe(2);
  });

  it("forgets recommendations that no window reaches any more", () => {
    const { history } = decideReplicas(5, bounds, behavior, recommended([5, 121], [5, 110]), startMs);
    expect(history.recommendations).toHaveLength(2);
  });
});
