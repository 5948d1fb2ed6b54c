import type { Node, Pod, Taint, Toleration } from "../objects.ts";

export function tolerates({ key, operator = "Equal", value = "", effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (!key && operator !== "Exists") return false;
  return operator === "Exists" || value === (taint.value ?? "");
}

export function isTolerated(taint: Taint, { spec }: Pod): boolean {
  return (spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** The taints that end pods which do not tolerate them. */
export function noExecuteTaints(node: Node | undefined): Taint[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
}

/**
 * For how many milliseconds the pod may stay beside these NoExecute taints: 0 when it does not tolerate one of them, infinity when
 * it tolerates all of them for ever. Of several tolerations the shortest counts.
 */
export function toleratedMs(pod: Pod, taints: readonly Taint[]): number {
  const all = pod.spec.tolerations ?? [];
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const matching = all.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return shortest;
}
