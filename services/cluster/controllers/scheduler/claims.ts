import type { NodeSelectorTerm, Pod } from "../objects.ts";
import type { PersistentVolume, VolumeClaim } from "../volumes/types.ts";
import { matchesNodeTerm } from "./affinity.ts";
import type { NodeInfo } from "./cluster-state.ts";

/** Where the scheduler looks claims and volumes up. */
export type Storage = {
  findClaim(namespace: string, name: string): VolumeClaim | undefined;
  findVolume(name: string): PersistentVolume | undefined;
};

type VolumeAffinity = { required?: { nodeSelectorTerms: NodeSelectorTerm[] } };

/** Why the pod's claims keep it from every node; undefined when they do not. Kubernetes: plugins/volumebinding. */
export function claimProblem(pod: Pod, { findClaim }: Storage): string | undefined {
  for (const name of claimNames(pod)) {
    const claim = findClaim(pod.metadata.namespace ?? "", name);
    const quoted = JSON.stringify(name);
    if (!claim) return `persistentvolumeclaim ${quoted} not found`;
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim ${quoted} is being deleted`;
    if (claim.status?.phase === "Lost") {
      const volume = JSON.stringify(claim.spec.volumeName ?? "");
      return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${volume}`;
    }
    if (claim.status?.phase !== "Bound") return "pod has unbound immediate PersistentVolumeClaims";
  }
  return undefined;
}

/** Volumes that are on some nodes only keep their pods there. */
export function volumeFilter(pod: Pod, { findClaim, findVolume }: Storage): (info: NodeInfo) => string[] {
  const affinities = claimNames(pod).flatMap((name) => {
    const volume = findVolume(findClaim(pod.metadata.namespace ?? "", name)?.spec.volumeName ?? "");
    const { required } = (volume?.spec.nodeAffinity as VolumeAffinity | undefined) ?? {};
    return required ? [required.nodeSelectorTerms] : [];
  });
  return ({ node }) => {
    const isReachable = affinities.every((terms) => terms.some((term) => matchesNodeTerm(term, node)));
    return isReachable ? [] : ["node(s) had volume node affinity conflict"];
  };
}

export function claimNames({ spec, metadata }: Pod): string[] {
  const volumes = (spec.volumes ?? []) as { name: string; persistentVolumeClaim?: { claimName: string }; ephemeral?: object }[];
  return volumes.flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${metadata.name}-${name}`] : [];
  });
}
