import { describe, expect, it } from "vitest";
import { planAggregation } from "./aggregation.ts";
import type { PolicyRule, Role } from "./rules.ts";

const on = (resource: string): PolicyRule => ({ verbs: ["get"], apiGroups: [""], resources: [resource] });

function role(name: string, labels: Record<string, string>, rules: PolicyRule[], selectors?: Record<string, string>[]): Role {
  const metadata = { name, uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", labels };
  const aggregationRule = selectors && { clusterRoleSelectors: selectors.map((matchLabels) => ({ matchLabels })) };
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, rules, aggregationRule };
}

describe("roles that collect the rules of others", () => {
  it("have each rule once, and are left alone when they have all", () => {
    const all = role("all", {}, [], [{ to: "all" }]);
    const sources = [role("one", { to: "all" }, [on("pods")]), role("two", { to: "all" }, [on("pods"), on("nodes")])];
    const [planned] = planAggregation([all, ...sources]);
    expect(planned?.rules).toEqual([on("pods"), on("nodes")]);
    expect(planAggregation([{ ...all, rules: planned?.rules ?? [] }, ...sources])).toEqual([]);
  });

  it("come to rest when they collect from each other", () => {
    const fixed = [role("pods", { to: "left" }, [on("pods")]), role("nodes", { to: "right" }, [on("nodes")])];
    let circle = [role("left", { to: "right" }, [], [{ to: "left" }]), role("aside", { to: "left" }, [], [{ to: "right" }])];
    let passes = 0;
    for (; passes < 20; passes += 1) {
      const planned = planAggregation([...circle, ...fixed]);
      if (planned.length === 0) break;
      circle = circle.map((one) => planned.find(({ metadata }) => metadata.name === one.metadata.name) ?? one);
    }
    expect(passes).toBeLessThan(5);
    for (const { rules } of circle) expect(rules).toEqual(expect.arrayContaining([on("pods"), on("nodes")]));
  });
});
