import { type JsonPatch, pointerPart, type Workload } from "#lib/kubernetes/objects.ts";
import { rolloutAnnotation } from "../rollouts/engine/run.ts";

/** On a workload: the generations that rollouts' own writes made, by which these are told from changes by others. */
export const ownGenerationsAnnotation = "switchyard.dev/rollout-generations";

const mostKept = 50;

/**
 * What a rollout's write to a workload's specification adds at the end of its patch, so that the ledger takes it for nobody else's. The
 * patch has to change the specification and to be bound to the resource version that was read: then it makes the next generation.
 */
export function markOwnChange(workload: Workload, rolloutId: string): JsonPatch {
  return [...markOwnGeneration(workload), setAnnotation(rolloutAnnotation, rolloutId)];
}

/** The same for a write of Switchyard's that is no rollout's. */
export function markOwnGeneration(workload: Workload): JsonPatch {
  const { annotations, generation = 0 } = workload.metadata;
  const generations = [...readOwnGenerations(workload), generation + 1].slice(-mostKept);
  return [
    ...(annotations ? [] : [{ op: "add", path: "/metadata/annotations", value: {} } as const]),
    setAnnotation(ownGenerationsAnnotation, generations.join(" ")),
  ];
}

function setAnnotation(name: string, value: string): JsonPatch[number] {
  return { op: "add", path: `/metadata/annotations/${pointerPart(name)}`, value };
}

/** The latest generations of a workload that rollouts made. */
export function readOwnGenerations({ metadata }: Workload): number[] {
  const text = metadata.annotations?.[ownGenerationsAnnotation] ?? "";
  return text
    .split(" ")
    .map(Number)
    .filter(Number.isSafeInteger)
    .filter((generation) => generation > 0);
}
