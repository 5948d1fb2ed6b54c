import { StatusError } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import type { Pod } from "../objects.ts";
import { hasEnded, isReady } from "../pod-state.ts";
import { withAllowedCondition } from "./plan.ts";
import type { BudgetStatus, PodDisruptionBudget } from "./types.ts";

const mostDisruptedPods = 2000;
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

/** What ends or has not begun disturbs nobody: no budget holds it. */
export function needsNoBudget(pod: Pod): boolean {
  return hasEnded(pod) || pod.status?.phase === "Pending" || pod.metadata.deletionTimestamp !== undefined;
}

/**
 * The budget's status once the pod's eviction has been granted; undefined when the eviction costs nothing, since the pod is not
 * healthy. Throws StatusError in Kubernetes' words when the budget refuses. Kubernetes: pkg/registry/core/pod/storage/eviction.go.
 */
export function takeFromBudget(pod: Pod, budget: PodDisruptionBudget, now: Date): BudgetStatus | undefined {
  const { spec, metadata } = budget;
  const { name } = metadata;
  const status = budget.status ?? { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  if (!isReady(pod)) {
    if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return undefined;
    if (status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0) return undefined;
  }
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const disrupted = status.disruptedPods ?? {};
  if (Object.keys(disrupted).length > mostDisruptedPods) {
    throw forbidden(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (status.disruptionsAllowed < 0) throw forbidden(name, "pdb disruptions allowed is negative");
  if (status.disruptionsAllowed === 0) {
    const condition = status.conditions?.find(({ type }) => type === "DisruptionAllowed");
    throw tooManyRequests(
      condition?.reason === "SyncFailed"
        ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`
        : `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    );
  }
  const disruptionsAllowed = status.disruptionsAllowed - 1;
  const taken = { ...status, disruptionsAllowed, disruptedPods: { ...disrupted, [pod.metadata.name]: timestamp(now) } };
  return disruptionsAllowed === 0 ? withAllowedCondition(taken, budget, now) : taken;
}

function tooManyRequests(cause: string, retryAfterSeconds?: number): StatusError {
  const causes = [{ reason: "DisruptionBudget", message: cause }];
  return new StatusError(429, "TooManyRequests", refusal, { causes, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) });
}

function forbidden(name: string, detail: string): StatusError {
  const message = `poddisruptionbudget.policy ${JSON.stringify(name)} is forbidden: ${detail}`;
  return new StatusError(403, "Forbidden", message, { name, group: "policy", kind: "poddisruptionbudget" });
}
