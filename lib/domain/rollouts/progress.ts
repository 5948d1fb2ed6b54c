import type { Rollout } from "#lib/database/generated/client.ts";
import type { Deployment } from "#lib/kubernetes/objects.ts";
import { countReplicas, describeFailing } from "../fleet/health.ts";
import type { Instance } from "../fleet/schemas.ts";
import { revisionOf } from "../fleet/template.ts";
import type { RolloutState } from "./schemas.ts";

/** Where a rollout is. `toRevision` is set once the controller of the cluster has numbered the change. */
export type Progress = { state: RolloutState; message: string; toRevision: number | null };

type Followed = Pick<Rollout, "change" | "workloadUid" | "targetGeneration" | "toRevision" | "toReplicas" | "toVersion">;

/**
 * Judges a rollout by the rules of `kubectl rollout status` (kubernetes/kubectl, pkg/polymorphichelpers/rollout_status.go).
 * `deployment` is null when it is gone; `instances` are those of the present template.
 */
export function judgeProgress(rollout: Followed, deployment: Deployment | null, instances: readonly Instance[]): Progress {
  if (!deployment || deployment.metadata.uid !== rollout.workloadUid) {
    return { state: "failed", message: "The workload was deleted.", toRevision: rollout.toRevision };
  }
  const observed = deployment.status?.observedGeneration ?? 0;
  if (observed < rollout.targetGeneration || observed < (deployment.metadata.generation ?? 0)) {
    return { state: "progressing", message: "Waiting for the cluster to take up the change.", toRevision: rollout.toRevision };
  }
  const revision = revisionOf(deployment);
  const isScale = rollout.change === "scale";
  const toRevision = isScale ? null : (rollout.toRevision ?? revision);
  const successor = findSuccessor(rollout, deployment, revision);
  if (successor) return { state: "superseded", message: successor, toRevision };
  return { ...judgeCounts(deployment, instances, isScale), toRevision };
}

/** What replaced the change, as a sentence; null while it still stands. */
function findSuccessor(rollout: Followed, deployment: Deployment, revision: number | null): string | null {
  if (rollout.change === "scale") {
    const { desired } = countReplicas(deployment);
    return desired === rollout.toReplicas ? null : `Scaled again, to ${desired}.`;
  }
  if (rollout.toRevision === null || revision === null || revision === rollout.toRevision) return null;
  return `Replaced by revision ${revision}.`;
}

function judgeCounts(
  deployment: Deployment,
  instances: readonly Instance[],
  isScale: boolean,
): Pick<Progress, "state" | "message"> {
  const counts = countReplicas(deployment);
  const { desired, updated, replicas, available } = counts;
  const failing = describeFailing(instances);
  const progressing = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return { state: "failed", message: sentence("No progress within the deadline", failing) };
  }
  // A scale is done when its instances are there; a template change that is still under way has a row of its own.
  const isDone = isScale
    ? replicas === desired && available >= desired
    : updated >= desired && replicas <= updated && available >= updated;
  if (isDone) {
    return { state: "complete", message: desired === 0 ? "Scaled to 0." : `All ${desired} instances are available.` };
  }
  if (deployment.spec.paused && !isScale) {
    return { state: "paused", message: sentence(`Paused with ${updated} of ${desired} updated`, failing) };
  }
  if (isScale) return { state: "progressing", message: sentence(`${available} of ${desired} instances are available`, failing) };
  if (updated < desired)
    return { state: "progressing", message: sentence(`${updated} of ${desired} instances are updated`, failing) };
  if (replicas > updated) return { state: "progressing", message: sentence(describeEnding(replicas - updated), failing) };
  return { state: "progressing", message: sentence(`${available} of ${updated} updated instances are available`, failing) };
}

function sentence(start: string, failing: string | null): string {
  const text = failing ? `${start}; ${failing}` : start;
  return text.endsWith(".") ? text : `${text}.`;
}

function describeEnding(count: number): string {
  return count === 1 ? "1 old instance is ending" : `${count} old instances are ending`;
}
