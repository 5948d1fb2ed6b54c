import type { Rollout } from "#lib/database/generated/client.ts";
import type { TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { countReplicas, describeFailing } from "../fleet/health.ts";
import type { Instance } from "../fleet/schemas.ts";
import { presentRevision } from "../fleet/template.ts";
import type { RolloutState } from "./schemas.ts";

/** Where a rollout is. `toRevision` is set once the controller of the cluster has numbered the change. */
export type Progress = { state: RolloutState; message: string; toRevision: number | null };

/** What was found in the cluster. */
export type Found = { workload: Workload; revisions: readonly TemplateRevision[]; instances: readonly Instance[] };

type Followed = Pick<Rollout, "change" | "workloadUid" | "targetGeneration" | "toRevision" | "toReplicas" | "toVersion">;

/**
 * Judges a rollout by the rules of `kubectl rollout status` (kubernetes/kubectl, pkg/polymorphichelpers/rollout_status.go).
 * `found` is null when the workload is gone; its instances are those of the present template.
 */
export function judgeProgress(rollout: Followed, found: Found | null): Progress {
  if (!found || found.workload.metadata.uid !== rollout.workloadUid) {
    return { state: "failed", message: "The workload was deleted.", toRevision: rollout.toRevision };
  }
  const { workload, revisions, instances } = found;
  const observed = workload.status?.observedGeneration ?? 0;
  if (observed < rollout.targetGeneration || observed < (workload.metadata.generation ?? 0)) {
    return { state: "progressing", message: "Waiting for the cluster to take up the change.", toRevision: rollout.toRevision };
  }
  const revision = presentRevision(workload, revisions);
  const isScale = rollout.change === "scale";
  const toRevision = isScale ? null : (rollout.toRevision ?? revision);
  const successor = findSuccessor(rollout, workload, revision);
  if (successor) return { state: "superseded", message: successor, toRevision };
  return { ...judgeCounts(workload, instances, isScale), toRevision };
}

/** What replaced the change, as a sentence; null while it still stands. */
function findSuccessor(rollout: Followed, workload: Workload, revision: number | null): string | null {
  if (rollout.change === "scale") {
    const { desired } = countReplicas(workload);
    return desired === rollout.toReplicas ? null : `Scaled again, to ${desired}.`;
  }
  if (rollout.toRevision === null || revision === null || revision === rollout.toRevision) return null;
  return `Replaced by revision ${revision}.`;
}

function judgeCounts(workload: Workload, instances: readonly Instance[], isScale: boolean): Pick<Progress, "state" | "message"> {
  const counts = countReplicas(workload);
  const { desired, updated, replicas, available } = counts;
  const failing = describeFailing(instances);
  const progressing = workload.status?.conditions?.find(({ type }) => type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return { state: "failed", message: sentence("No progress within the deadline", failing) };
  }
  // A scale is done when its instances are there; a template change that is still under way has a row of its own.
  const isDone = isScale
    ? replicas === desired && available >= desired
    : updated >= desired && replicas <= updated && available >= updated && isSettled(workload);
  if (isDone) {
    return { state: "complete", message: desired === 0 ? "Scaled to 0." : `All ${desired} instances are available.` };
  }
  if (workload.spec.paused && !isScale) {
    return { state: "paused", message: sentence(`Paused with ${updated} of ${desired} updated`, failing) };
  }
  if (isScale) return { state: "progressing", message: sentence(`${available} of ${desired} instances are available`, failing) };
  if (updated < desired)
    return { state: "progressing", message: sentence(`${updated} of ${desired} instances are updated`, failing) };
  if (replicas > updated) return { state: "progressing", message: sentence(describeEnding(replicas - updated), failing) };
  return { state: "progressing", message: sentence(`${available} of ${updated} updated instances are available`, failing) };
}

/** A StatefulSet has taken over its new revision when nothing of the one before is left. */
function isSettled({ kind, status }: Workload): boolean {
  return kind === "Deployment" || status?.currentRevision === status?.updateRevision;
}

function sentence(start: string, failing: string | null): string {
  const text = failing ? `${start}; ${failing}` : start;
  return text.endsWith(".") ? text : `${text}.`;
}

function describeEnding(count: number): string {
  return count === 1 ? "1 old instance is ending" : `${count} old instances are ending`;
}
