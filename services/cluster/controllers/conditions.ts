import type { Condition } from "./objects.ts";

/**
 * The conditions with one set as Kubernetes does it: nothing changes while status and reason stay, and lastTransitionTime moves
 * only with the status.
 */
export function withCondition(conditions: readonly Condition[] | undefined, condition: Condition): Condition[] {
  const before = conditions ?? [];
  const current = before.find(({ type }) => type === condition.type);
  if (current && current.status === condition.status && current.reason === condition.reason) return [...before];
  const lastTransitionTime = current?.status === condition.status ? current.lastTransitionTime : condition.lastTransitionTime;
  return [...withoutCondition(before, condition.type), { ...condition, lastTransitionTime }];
}

export function withoutCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
