import { timestamp } from "../../timestamp.ts";
import type { Condition } from "../objects.ts";

export type ConditionType = "AbleToScale" | "ScalingActive" | "ScalingLimited";

/** The conditions of an autoscaler with one set in its place; lastTransitionTime moves only with the status. */
export function setCondition(
  conditions: readonly Condition[],
  type: ConditionType,
  { status, reason, message }: { status: "True" | "False"; reason: string; message: string },
  now: Date,
): Condition[] {
  const before = conditions.find((one) => one.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now);
  const next: Condition = { type, status, lastTransitionTime, reason, message };
  return before ? conditions.map((one) => (one === before ? next : one)) : [...conditions, next];
}
