import type { KubeObject } from "../../api.ts";
import type { Condition, LabelSelector } from "../objects.ts";
import type { IntOrPercent } from "../quantity.ts";

export type BudgetStatus = {
  observedGeneration?: number;
  disruptionsAllowed: number;
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
  /** Pods whose eviction was granted and whose deletion has not been seen yet, by name, and since when. */
  disruptedPods?: Record<string, string>;
  conditions?: (Condition & { observedGeneration?: number })[];
};

export type PodDisruptionBudget = KubeObject & {
  spec: {
    minAvailable?: IntOrPercent;
    maxUnavailable?: IntOrPercent;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow";
  };
  status?: BudgetStatus;
};
