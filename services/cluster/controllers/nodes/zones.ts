import type { Node } from "../objects.ts";
import { findCondition } from "../pod-state.ts";

/**
 * What the loss of nodes means for the pods on them. `evict`: they move elsewhere. `hold`: so much of the zone is lost that no
 * further node's pods are evicted. `lift`: no node at all is ready, so the fault is taken to be on this side, and nobody is evicted.
 * Kubernetes: pkg/controller/nodelifecycle, --unhealthy-zone-threshold 0.55 and --large-cluster-size-threshold 50.
 */
export type EvictionMode = "evict" | "hold" | "lift";

const unhealthyZoneShare = 0.55;

export function evictionMode(node: Node, all: readonly Node[]): EvictionMode {
  if (!all.some(isNodeReady)) return "lift";
  const neighbours = all.filter((one) => zoneOf(one) === zoneOf(node));
  const lost = neighbours.filter((one) => !isNodeReady(one)).length;
  const isPartlyLost = lost > 2 && lost < neighbours.length && lost / neighbours.length >= unhealthyZoneShare;
  return isPartlyLost ? "hold" : "evict";
}

export function isNodeReady({ status }: Node): boolean {
  return findCondition(status?.conditions, "Ready")?.status === "True";
}

function zoneOf({ metadata: { labels = {} } }: Node): string {
  return `${labels["topology.kubernetes.io/region"] ?? ""}/${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
