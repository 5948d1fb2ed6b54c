import type { JsonPatch } from "#lib/kubernetes/objects.ts";
import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { rollbackPatch } from "../../actions/rollback.ts";
import { canonicalTemplate } from "../../fleet/template.ts";
import { awaitComplete, canServe, hasTemplate } from "./completion.ts";
import { divide, select, unpinLost } from "./divide-traffic.ts";
import { besideAutoscaler, enlargeStable, hasCandidate, removeCandidate, resizeStable } from "./reconcile.ts";
import { first, type Open, type Situation } from "./situation.ts";
import { resumeStable } from "./stable-pause.ts";
import { patchStable } from "./writes.ts";

/**
 * The first thing that is open on the way back: traffic goes to stable as soon as that has only instances of its template before,
 * and the candidate goes when stable has them all. A Service or route that was deleted meanwhile needs no way back. `lapsed`: so many
 * deadlines passed without progress. After one the candidate no longer waits for a whole stable, to which it may leave no room;
 * after two the Service is left with whatever instances there are.
 */
export function restore(situation: Situation, lapsed: number): Open | null {
  const { run, world } = situation;
  if (run.by === null) return null;
  const isReady = canServe(world, run);
  const isEmptied = !hasCandidate(world) || world.candidate?.spec.replicas === 0;
  return first(
    () => unpinLost(situation),
    () => rollBack(situation),
    () => resumeStable(situation),
    () => restoreReplicas(situation),
    () => (lapsed > 1 ? select("any", situation) : null),
    () => (lapsed <= 1 && world.service && isReady && hasCandidate(world) ? select("stable", situation) : null),
    () => (world.route && isReady ? divide(null, situation) : null),
    () => (isEmptied || (lapsed > 0 && isReady) ? null : awaitComplete(world)),
    () => removeCandidate(situation),
    () => select("any", situation),
    () => awaitComplete(world),
  );
}

/** kubectl's rollback to the template before, where stable has taken the new one; what others wrote meanwhile stays. */
function rollBack(situation: Situation): Open | null {
  const { rolloutId, target, world } = situation;
  const { stable, revisions } = world;
  if (!hasTemplate(stable, target.template) || hasTemplate(stable, target.before)) return null;
  // A Service that is pinned to what is rolled back would lose its instances one by one.
  const pinned = world.service?.spec.selector?.[hashLabels[0]];
  const unpin = pinned !== undefined && pinned === world.stableHash ? select("any", situation) : null;
  if (unpin) return unpin;
  const wanted = canonicalTemplate(target.before);
  const revision = revisions.find(({ template }) => canonicalTemplate(template) === wanted);
  const patch: JsonPatch = revision
    ? rollbackPatch(stable, revision)
    : [{ op: "replace", path: "/spec/template", value: target.before }];
  const go: JsonPatch = stable.spec.paused ? [{ op: "remove", path: "/spec/paused" }] : [];
  return {
    writes: [patchStable(stable, [...patch, ...go], rolloutId)],
    waiting: "Stable goes back to the version before.",
  };
}

/** What takes traffic again begins as large as before: an autoscaler, or somebody, may have made it small meanwhile. */
function restoreReplicas(situation: Situation): Open | null {
  const { run, world } = situation;
  const { replicas } = run.before;
  if (run.by !== "replicas") return run.weight > 0 ? enlargeStable(situation) : null;
  const wanted = world.autoscaler ? besideAutoscaler(replicas, situation) : replicas;
  return wanted === null || world.stable.spec.replicas === wanted ? null : resizeStable(wanted, situation);
}
