import type { HorizontalPodAutoscaler } from "#lib/kubernetes/objects.ts";
import { formatDuration } from "../duration.ts";

// Two of the autoscaler's own periods of 15 s: by then it has looked at what its last change did.
const settlesMs = 30_000;

/** One sentence while the autoscaler changes the number of instances, when a rollout must not advance; null while it stands still. */
export function describeMovement({ metadata, spec, status = {} }: HorizontalPodAutoscaler, now: Date): string | null {
  const { currentReplicas, desiredReplicas, lastScaleTime } = status;
  const isAble = findProblem({ status }) === null;
  if (isAble && currentReplicas !== undefined && desiredReplicas !== undefined && currentReplicas !== desiredReplicas) {
    return `The autoscaler ${metadata.name} is changing ${spec.scaleTargetRef.name} from ${currentReplicas} to ${desiredReplicas} instances.`;
  }
  const sinceMs = Math.abs(now.getTime() - Date.parse(lastScaleTime ?? ""));
  if (!(sinceMs < settlesMs)) return null;
  return `The autoscaler ${metadata.name} set ${spec.scaleTargetRef.name} to ${desiredReplicas ?? "another number of"} instances ${formatDuration(sinceMs)} ago.`;
}

/** Why it cannot do its work, in its own words; null when it can. What it wished for before then means nothing. */
export function findProblem({ status }: Pick<HorizontalPodAutoscaler, "status">): string | null {
  const broken = status?.conditions?.find(
    ({ type, status: is, reason }) =>
      is === "False" && (type === "AbleToScale" || type === "ScalingActive") && reason !== "ScalingDisabled",
  );
  return broken ? (broken.message ?? broken.reason ?? `${broken.type} is False`) : null;
}
