import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { arrangementOf } from "./arrangement.ts";
import type { Situation } from "./situation.ts";
import { routeShareOf } from "./traffic-share.ts";

/** That traffic goes to a candidate without an available instance while stable has some, as a sentence; null when it is not so. */
export function findOutage(situation: Situation): string | null {
  const { candidate } = situation.world;
  if (!isDown(situation.world) || !hasTraffic(situation)) return null;
  return candidate
    ? "None of the candidate's instances was available while it had traffic."
    : "The candidate was deleted while it had traffic.";
}

/** Whether stable could serve and the candidate cannot: none of its instances is available. */
export function isDown({ stable, candidate }: Pick<Situation["world"], "candidate" | "stable">): boolean {
  return (candidate?.status?.availableReplicas ?? 0) === 0 && (stable.status?.availableReplicas ?? 0) > 0;
}

function hasTraffic({ run, world }: Situation): boolean {
  const { service, route, stableHash } = world;
  const wanted = arrangementOf(run);
  const pinned = service?.spec.selector?.[hashLabels[0]];
  if (wanted.selector === "candidate" && pinned !== undefined && pinned !== stableHash) return true;
  return wanted.percent !== null && (routeShareOf(run, route) ?? 0) > 0;
}
