import type { Workload } from "#lib/kubernetes/objects.ts";
import type { Snapshot } from "../actions/plan.ts";
import type { ExternalVerb } from "./schemas.ts";

/** A change that was not made through Switchyard: what, and who, when and why as far as the cluster tells. */
export type ExternalChange = { verb: ExternalVerb; actor: string; at: Date | null; reason: string | null };

/** The name that Switchyard itself writes under, see KubernetesClient.patch. */
const ownManager = "switchyard";
const controllerManager = "kube-controller-manager";
const changeCauseAnnotation = "kubernetes.io/change-cause";

/**
 * Names what changed between two states of a workload. The actor is the newest field manager of its specification
 * (metadata.managedFields); a cluster that keeps none tells no more than that it was not Switchyard. `autoscaler` is the one that
 * has just set the number of instances, if any.
 */
export function describeExternalChange(
  before: Snapshot,
  after: Snapshot,
  workload: Workload,
  autoscaler: string | null,
): ExternalChange {
  const verb = nameVerb(before, after);
  const manager = newestManager(workload, verb);
  const byAutoscaler = verb === "scale" && autoscaler !== null;
  return {
    verb,
    actor: byAutoscaler ? `autoscaler ${autoscaler}` : (manager?.name ?? "outside Switchyard"),
    at: manager?.at ?? null,
    reason: workload.metadata.annotations?.[changeCauseAnnotation] ?? null,
  };
}

function nameVerb(before: Snapshot, after: Snapshot): ExternalVerb {
  if (JSON.stringify(before.images) !== JSON.stringify(after.images)) return "image";
  if (before.restartedAt !== after.restartedAt) return "restart";
  if (before.template !== after.template) return "template";
  if (before.replicas !== after.replicas) return "scale";
  if (before.paused !== after.paused) return after.paused ? "pause" : "resume";
  return "edit";
}

/** The cluster's own controllers write annotations of their own beside other people's changes; only a scale can be theirs. */
function newestManager({ metadata }: Workload, verb: ExternalVerb): { name: string; at: Date | null } | null {
  const others = verb === "scale" ? [ownManager] : [ownManager, controllerManager];
  const entries = (metadata.managedFields ?? []).filter(
    ({ manager = ownManager, subresource }) => subresource !== "status" && !others.includes(manager),
  );
  const newest = entries.toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""))[0];
  return newest?.manager ? { name: newest.manager, at: newest.time ? new Date(newest.time) : null } : null;
}
