import type { NewObject, OwnerReference } from "../../api.ts";
import type { Pod } from "../objects.ts";
import type { VolumeClaim } from "../volumes/types.ts";
import type { StatefulSet } from "./types.ts";

/** The names of an ordinal's claims, by the volume that each is mounted as. */
export function claimNamesOf(set: StatefulSet, ordinal: number): Map<string, string> {
  const { name } = set.metadata;
  return new Map(
    (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => {
      const volume = metadata?.name ?? "";
      return [volume, `${volume}-${name}-${ordinal}`];
    }),
  );
}

/** The claims that the templates make for an ordinal. */
export function newClaims(set: StatefulSet, ordinal: number): NewObject<VolumeClaim>[] {
  const { whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata = {}, spec }) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: `${metadata.name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace,
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ...(whenDeleted === "Delete" ? { ownerReferences: [reference(set)] } : {}),
    },
    spec,
  }));
}

/**
 * The claim with the owners that the retention policy wants, when it has others: the set where claims go with it, the pod where
 * they go with a pod that is scaled away.
 */
export function withRetention(set: StatefulSet, claim: VolumeClaim, pod: Pod, isCondemned: boolean): VolumeClaim | undefined {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const followsPod = whenScaled === "Delete" && isCondemned;
  const followsSet = whenDeleted === "Delete" && !followsPod;
  const owners = claim.metadata.ownerReferences ?? [];
  const has = (uid: string) => owners.some((owner) => owner.uid === uid);
  if (has(set.metadata.uid) === followsSet && has(pod.metadata.uid) === followsPod) return undefined;
  const kept = owners.filter(({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid);
  const ownerReferences = [...kept, ...(followsSet ? [reference(set)] : []), ...(followsPod ? [reference(pod)] : [])];
  const { ownerReferences: _, ...metadata } = claim.metadata;
  return { ...claim, metadata: ownerReferences.length > 0 ? { ...metadata, ownerReferences } : metadata };
}

/** A claim that is going away, or that an earlier pod of this name takes with it: a new pod must not start on its data. */
export function isStaleClaim(claim: VolumeClaim | undefined, podName: string): boolean {
  if (!claim) return false;
  const { deletionTimestamp, ownerReferences = [] } = claim.metadata;
  return deletionTimestamp !== undefined || ownerReferences.some(({ kind, name }) => kind === "Pod" && name === podName);
}

function reference({ apiVersion, kind, metadata }: StatefulSet | Pod): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}
