import { type JsonPatch, pointerPart, type Workload } from "#lib/kubernetes/objects.ts";
import { hasTemplate, isSettled } from "./completion.ts";
import type { Open, Situation } from "./situation.ts";
import { patchOf, patchStable, pathOf, type Write } from "./writes.ts";

/** On stable while a rollout has paused it, the rollout's id: somebody else's pause is not the rollout's to end. */
const pausedAnnotation = "switchyard.dev/rollout-paused";

const annotationPath = `/metadata/annotations/${pointerPart(pausedAnnotation)}`;

/** Whether stable stands still because this rollout paused it. */
export function isPausedByUs({ metadata, spec }: Workload, rolloutId: string): boolean {
  return spec.paused === true && metadata.annotations?.[pausedAnnotation] === rolloutId;
}

/** Stops a Deployment in the middle of its update. */
export function pauseStable({ rolloutId, world: { stable } }: Situation): Write {
  const patch: JsonPatch = [
    { op: "add", path: "/spec/paused", value: true },
    { op: "add", path: annotationPath, value: rolloutId },
  ];
  return patchStable(stable, patch, rolloutId);
}

/** Ends the rollout's own pause, and its trace where somebody else has ended it. */
export function resumeStable({ rolloutId, world: { stable } }: Pick<Situation, "rolloutId" | "world">): Open | null {
  if (stable.metadata.annotations?.[pausedAnnotation] !== rolloutId) return null;
  const unmark: JsonPatch = [{ op: "remove", path: annotationPath }];
  const write = stable.spec.paused
    ? patchStable(stable, [{ op: "remove", path: "/spec/paused" }, ...unmark], rolloutId)
    : patchOf(pathOf(stable), stable.metadata, unmark, rolloutId);
  return { writes: [write], waiting: "Going on." };
}

/** What a hold writes: an update that is under way stops where it is. */
export function holdUpdate(situation: Situation): Write[] {
  const { run, target, world } = situation;
  const { stable } = world;
  const isUpdating = run.steps[run.index]?.kind === "update" && hasTemplate(stable, target.template) && !isSettled(world);
  return isUpdating && stable.kind === "Deployment" && !stable.spec.paused ? [pauseStable(situation)] : [];
}
