import type { Pod } from "../objects.ts";
import { isReady, readySinceMs } from "../pod-state.ts";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

export type RankedPod = {
  pod: Pod;
  /** How many active pods of the same Deployment run on this pod's node. */
  neighbours: number;
};

/** The pods in the order in which a shrinking ReplicaSet deletes them. Kubernetes: ActivePodsWithRanks. */
export function deletionOrder(pods: readonly RankedPod[], now: Date): Pod[] {
  return pods.toSorted((left, right) => compare(left, right, now)).map(({ pod }) => pod);
}

function compare(left: RankedPod, right: RankedPod, now: Date): number {
  return (
    assigned(left.pod) - assigned(right.pod) ||
    phase(left.pod) - phase(right.pod) ||
    Number(isReady(left.pod)) - Number(isReady(right.pod)) ||
    deletionCost(left.pod) - deletionCost(right.pod) ||
    right.neighbours - left.neighbours ||
    youngerFirst(readySinceMs(left.pod), readySinceMs(right.pod), left.pod, right.pod, now) ||
    restarts(right.pod) - restarts(left.pod) ||
    youngerFirst(createdMs(left.pod), createdMs(right.pod), left.pod, right.pod, now)
  );
}

function assigned({ spec }: Pod): number {
  return spec.nodeName ? 1 : 0;
}

function phase({ status }: Pod): number {
  return phaseOrder[status?.phase ?? "Pending"] ?? 0;
}

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[costAnnotation] ?? "0";
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
}

function createdMs({ metadata }: Pod): number | undefined {
  const created = Date.parse(metadata.creationTimestamp);
  return Number.isNaN(created) ? undefined : created;
}

/** Ages are compared on a logarithmic scale; within one step the uid decides, which is as good as chance. */
function youngerFirst(leftMs: number | undefined, rightMs: number | undefined, left: Pod, right: Pod, now: Date): number {
  if (leftMs === rightMs) return 0;
  if (leftMs === undefined) return -1;
  if (rightMs === undefined) return 1;
  const difference = ageStep(leftMs, now) - ageStep(rightMs, now);
  return difference || (left.metadata.uid < right.metadata.uid ? -1 : 1);
}

function ageStep(sinceMs: number, now: Date): number {
  const ageNs = (now.getTime() - sinceMs) * 1e6;
  return ageNs > 0 ? Math.floor(Math.log2(ageNs)) : -1;
}
