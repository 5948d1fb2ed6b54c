import type { Pod, Taint } from "../objects.ts";
import { toleratedMs } from "./tolerations.ts";

/** The time that a pod still has beside its node's taints. */
export type Countdown = { uid: string; sinceMs: number; deadlineMs: number };

export type EvictionPlan = { action: "stay" } | { action: "evict" } | { action: "wait"; countdown: Countdown };

/**
 * What becomes of a pod beside these NoExecute taints. A countdown that has begun goes on when taints come or go, unless the pod
 * tolerates all that are left for ever.
 */
export function planEviction(pod: Pod, taints: readonly Taint[], countdown: Countdown | undefined, nowMs: number): EvictionPlan {
  const allowedMs = toleratedMs(pod, taints);
  if (allowedMs === Number.POSITIVE_INFINITY) return { action: "stay" };
  const sinceMs = countdown?.sinceMs ?? nowMs;
  const deadlineMs = sinceMs + allowedMs;
  if (deadlineMs <= nowMs) return { action: "evict" };
  return { action: "wait", countdown: { uid: pod.metadata.uid, sinceMs, deadlineMs } };
}
