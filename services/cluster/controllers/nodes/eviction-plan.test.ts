import { describe, expect, it } from "vitest";
import type { Taint, Toleration } from "../objects.ts";
import { pod } from "../test/objects.ts";
import { planEviction } from "./eviction-plan.ts";

const unreachable: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };
const custom: Taint = { key: "maintenance", value: "tonight", effect: "NoExecute" };
const nowMs = Date.parse("2026-01-01T00:10:00Z");
const tolerating = (...tolerations: Toleration[]) => pod("a", { node: "node-1", spec: { tolerations } });
const exists = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});
const plan = (of: ReturnType<typeof tolerating>, taints: Taint[], sinceMs?: number) =>
  planEviction(of, taints, sinceMs === undefined ? undefined : { uid: "a-uid", sinceMs, deadlineMs: 0 }, nowMs);
const waiting = (sinceMs: number, seconds: number) => ({
  action: "wait",
  countdown: { uid: "a-uid", sinceMs, deadlineMs: sinceMs + seconds * 1000 },
});

describe("a pod beside NoExecute taints", () => {
  it.each([
    ["stays where there are none", tolerating(), [], { action: "stay" }],
    ["goes at once without a toleration", tolerating(), [unreachable], { action: "evict" }],
    ["stays with a toleration that has no end", tolerating(exists(unreachable.key)), [unreachable], { action: "stay" }],
    ["stays as long as tolerated", tolerating(exists(unreachable.key, 30)), [unreachable], waiting(nowMs, 30)],
    ["stays the shortest of its times", tolerating(exists("", 60), exists(custom.key, 5)), [custom], waiting(nowMs, 5)],
    [
      "goes at once when one of two taints is not tolerated",
      tolerating(exists(custom.key)),
      [custom, unreachable],
      { action: "evict" },
    ],
    ["goes at once when it tolerates for no time", tolerating(exists(custom.key, -1)), [custom], { action: "evict" }],
    [
      "goes when only another value is tolerated",
      tolerating({ key: custom.key, value: "tomorrow", effect: "NoExecute" }),
      [custom],
      { action: "evict" },
    ],
  ])("%s", (_, of, taints, expected) => expect(plan(of, taints)).toEqual(expected));

  it("goes when its time is over", () => {
    expect(plan(tolerating(exists(unreachable.key, 30)), [unreachable], nowMs - 30_000)).toEqual({ action: "evict" });
  });

  it("keeps the time that has run when another taint comes", () => {
    const both = tolerating(exists(unreachable.key, 30), exists(custom.key, 20));
    expect(plan(both, [unreachable, custom], nowMs - 15_000)).toEqual(waiting(nowMs - 15_000, 20));
  });
});
