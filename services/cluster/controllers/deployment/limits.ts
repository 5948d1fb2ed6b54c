import type { Deployment } from "../objects.ts";
import { resolveIntOrPercent } from "../quantity.ts";

const noDeadline = 2 ** 31 - 1;

export function desiredReplicas({ spec }: Deployment): number {
  return spec.replicas ?? 1;
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return (spec.strategy?.type ?? "RollingUpdate") === "RollingUpdate";
}

/** How many pods above the desired number a rolling update may run; a percentage is rounded up. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** How many pods below the desired number a rolling update may go; a percentage is rounded down. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(replicas, fenceposts(deployment).unavailable);
}

function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge: surgeValue = "25%", maxUnavailable: unavailableValue = "25%" } =
    deployment.spec.strategy?.rollingUpdate ?? {};
  const replicas = desiredReplicas(deployment);
  const surge = resolveIntOrPercent(surgeValue, replicas, "up");
  const unavailable = resolveIntOrPercent(unavailableValue, replicas, "down");
  // With both at zero a rollout could never move: validation forbids it for numbers, rounding can still lead here.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** Milliseconds without progress after which a rollout has failed; undefined when none is watched. */
export function progressDeadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds ?? 600;
  return seconds === noDeadline ? undefined : seconds * 1000;
}
