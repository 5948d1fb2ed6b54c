import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { candidateName, type RolloutRun } from "./run.ts";
import { readWeight } from "./traffic.ts";
import type { World } from "./world.ts";

/** Percent of the traffic that the candidate has now, read from what divides it; a header's requests are left out. */
export function shareOf({ by, before }: Pick<RolloutRun, "by" | "before">, world: World): number {
  const { stable, candidate, service, route } = world;
  if (!candidate) return 0;
  const selected = service?.spec.selector?.[hashLabels[0]];
  const isPinned = by === "route" || by === "selector";
  if (isPinned && selected !== undefined && selected === world.candidateHash) return 100;
  const weight = routeShareOf({ by, before }, route);
  if (weight !== null) return weight;
  if (isPinned && selected !== undefined) return 0;
  const own = candidate.status?.availableReplicas ?? 0;
  const all = own + (stable?.status?.availableReplicas ?? 0);
  return all === 0 ? 0 : Math.round((own * 100) / all);
}

/** Percent that a route gives the candidate; null when no route divides the traffic. */
export function routeShareOf(
  { by, before: { service } }: Pick<RolloutRun, "by" | "before">,
  route: World["route"],
): number | null {
  if (by !== "route" || !route || !service) return null;
  return readWeight(route, { namespace: route.metadata.namespace ?? "", service, candidate: candidateName(service) });
}
