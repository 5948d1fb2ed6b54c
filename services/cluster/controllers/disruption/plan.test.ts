import { describe, expect, it } from "vitest";
import { pod } from "../test/objects.ts";
import { needsNoBudget, takeFromBudget } from "./budget.ts";
import { planBudget, type ScaleOf } from "./plan.ts";
import type { BudgetStatus, PodDisruptionBudget } from "./types.ts";

const now = new Date("2026-01-01T01:00:00Z");
const owned: ScaleOf = () => ({ uid: "set", replicas: 10 });
const ready = (count: number) => Array.from({ length: count }, (_, index) => pod(`p${index}`));

function budget(spec: PodDisruptionBudget["spec"], status?: Partial<BudgetStatus>): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      name: "relay",
      namespace: "fleet",
      uid: "u",
      resourceVersion: "1",
      generation: 2,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: { selector: { matchLabels: { app: "relay" } }, ...spec },
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, observedGeneration: 2, ...status },
  };
}

const counts = ({ status }: ReturnType<typeof planBudget>) => [
  status.expectedPods,
  status.desiredHealthy,
  status.currentHealthy,
  status.disruptionsAllowed,
];

describe("a budget counts expected, desired, healthy and allowed", () => {
  it.each<[string, PodDisruptionBudget["spec"], number, number[]]>([
    ["from minAvailable as a number, of the pods that are there", { minAvailable: 4 }, 6, [6, 4, 6, 2]],
    ["from minAvailable in percent, of the owner's scale, rounded up", { minAvailable: "55%" }, 9, [10, 6, 9, 3]],
    ["from maxUnavailable as a number, of the owner's scale", { maxUnavailable: 2 }, 10, [10, 8, 10, 2]],
    ["from maxUnavailable in percent, rounded up", { maxUnavailable: "25%" }, 9, [10, 7, 9, 2]],
    ["when more may be unavailable than there are", { maxUnavailable: 20 }, 9, [10, 0, 9, 9]],
    ["when fewer are healthy than wanted", { maxUnavailable: 1 }, 7, [10, 9, 7, 0]],
    ["when nothing is there", { minAvailable: 0 }, 0, [0, 0, 0, 0]],
  ])("%s", (_, spec, healthy, expected) => {
    expect(counts(planBudget(budget(spec), ready(healthy), owned, now))).toEqual(expected);
  });

  it("without pods that are not ready or being deleted", () => {
    const pods = [...ready(3), pod("slow", { readySince: false }), pod("old", { metadata: { deletionTimestamp: "2026" } })];
    expect(counts(planBudget(budget({ minAvailable: 2 }), pods, owned, now))).toEqual([5, 2, 3, 1]);
  });

  it("without the pods whose eviction was granted, until two minutes have passed", () => {
    const granted = budget(
      { minAvailable: 2 },
      { disruptedPods: { p0: "2026-01-01T00:59:30Z", p1: "2026-01-01T00:57:00Z", gone: "2026" } },
    );
    const plan = planBudget(granted, ready(3), owned, now);
    expect(plan.status.disruptedPods).toEqual({ p0: "2026-01-01T00:59:30Z" });
    expect(counts(plan)).toEqual([3, 2, 2, 0]);
    expect(plan.recheckMs).toBe(90_000);
    expect(plan.overdue.map(({ metadata }) => metadata.name)).toEqual(["p1"]);
  });

  it("and names the pods that have no owner when it needs one", () => {
    const plan = planBudget(budget({ maxUnavailable: 1 }), ready(2), () => undefined, now);
    expect(plan.unmanaged).toHaveLength(2);
    expect(plan.status.disruptionsAllowed).toBe(0);
  });

  it("and says whether a disruption is allowed", () => {
    const reason = (healthy: number) =>
      planBudget(budget({ minAvailable: 2 }), ready(healthy), owned, now).status.conditions?.[0];
    expect(reason(3)).toMatchObject({
      type: "DisruptionAllowed",
      status: "True",
      reason: "SufficientPods",
      observedGeneration: 2,
    });
    expect(reason(2)).toMatchObject({ status: "False", reason: "InsufficientPods", lastTransitionTime: "2026-01-01T01:00:00Z" });
  });
});

describe("an eviction", () => {
  const enough = { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 };
  const spent = { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 };
  const short = { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2, expectedPods: 3 };
  const unready = pod("p", { readySince: false });
  const refusalOf = (of: PodDisruptionBudget, one = pod("p")) => {
    try {
      takeFromBudget(one, of, now);
    } catch (error) {
      const { code, reason, message, details } = error as { code: number; reason: string; message: string; details: object };
      return { code, reason, message, details };
    }
    return undefined;
  };

  it("takes one from the budget and is remembered there", () => {
    expect(takeFromBudget(pod("p"), budget({}, enough), now)).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { p: "2026-01-01T01:00:00Z" },
      conditions: [{ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }],
    });
  });

  it("is refused by a budget that is spent, in Kubernetes' words", () => {
    expect(refusalOf(budget({}, spent))).toEqual({
      code: 429,
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [{ reason: "DisruptionBudget", message: "The disruption budget relay needs 2 healthy pods and has 2 currently" }],
      },
    });
  });

  it("is refused for ten seconds by a budget whose change was not looked at yet", () => {
    expect(refusalOf(budget({}, { ...enough, observedGeneration: 1 }))).toMatchObject({
      code: 429,
      details: {
        retryAfterSeconds: 10,
        causes: [{ message: "The disruption budget relay is still being processed by the server." }],
      },
    });
  });

  it("says so when the budget could not be counted", () => {
    const conditions = [{ type: "DisruptionAllowed", status: "False" as const, reason: "SyncFailed", message: "no scale" }];
    expect(JSON.stringify(refusalOf(budget({}, { ...spent, conditions }))?.details)).toContain(
      "because it failed sync: no scale",
    );
  });

  it.each([
    ["costs nothing while the others are enough", unready, {}, spent, "granted"],
    ["is refused while the others are too few", unready, {}, short, "refused"],
    [
      "costs nothing where unhealthy pods may always go",
      unready,
      { unhealthyPodEvictionPolicy: "AlwaysAllow" as const },
      short,
      "granted",
    ],
  ])("of an unhealthy pod %s", (_, one, spec, status, expected) => {
    expect(refusalOf(budget(spec, status), one) ? "refused" : "granted").toBe(expected);
  });

  it.each([
    ["has ended", pod("p", { phase: "Succeeded" }), true],
    ["has not begun", pod("p", { phase: "Pending" }), true],
    ["is being deleted", pod("p", { metadata: { deletionTimestamp: "2026" } }), true],
    ["runs", pod("p"), false],
  ])("of a pod that %s asks no budget: %s", (_, one, expected) => expect(needsNoBudget(one)).toBe(expected));
});
