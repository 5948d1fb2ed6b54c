import { type HorizontalPodAutoscaler, type JsonPatch, pointerPart } from "#lib/kubernetes/objects.ts";
import type { Limits } from "./schemas.ts";

/** On an autoscaler while a timed change holds: the change's id, and when it ends, for those who look with kubectl. */
export const changeAnnotation = "switchyard.dev/limits-change";
export const revertAnnotation = "switchyard.dev/limits-revert-at";

/** Sets the limits for a time. Bound to the version that was read, as restorePatch is. */
export function changePatch(
  { metadata }: HorizontalPodAutoscaler,
  { min, max }: Limits,
  { id, revertAt }: { id: string; revertAt: Date },
): JsonPatch {
  const evidence = { [changeAnnotation]: id, [revertAnnotation]: revertAt.toISOString() };
  return [
    isUnchanged(metadata.resourceVersion),
    { op: "add", path: "/spec/minReplicas", value: min },
    { op: "add", path: "/spec/maxReplicas", value: max },
    { op: "add", path: "/metadata/annotations", value: { ...metadata.annotations, ...evidence } },
  ];
}

/** Sets the limits for good, and takes the evidence of the change away. */
export function restorePatch({ metadata }: HorizontalPodAutoscaler, { min, max }: Limits): JsonPatch {
  const left = [changeAnnotation, revertAnnotation].filter((name) => metadata.annotations?.[name] !== undefined);
  return [
    isUnchanged(metadata.resourceVersion),
    { op: "add", path: "/spec/minReplicas", value: min },
    { op: "add", path: "/spec/maxReplicas", value: max },
    ...left.map((name) => ({ op: "remove", path: `/metadata/annotations/${pointerPart(name)}` }) as const),
  ];
}

/** Whether the timed change was written to it. */
export function carriesChange({ metadata }: HorizontalPodAutoscaler, id: string): boolean {
  return metadata.annotations?.[changeAnnotation] === id;
}

function isUnchanged(resourceVersion: string) {
  return { op: "test", path: "/metadata/resourceVersion", value: resourceVersion } as const;
}
