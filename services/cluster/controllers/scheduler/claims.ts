import type { Pod } from "../objects.ts";
import type { VolumeClaim } from "../volumes/types.ts";

export type FindClaim = (namespace: string, name: string) => VolumeClaim | undefined;

/** Why the pod's claims keep it from any node; undefined when they do not. Kubernetes: plugins/volumebinding. */
export function claimProblem(pod: Pod, findClaim: FindClaim): string | undefined {
  for (const name of claimNames(pod)) {
    const claim = findClaim(pod.metadata.namespace ?? "", name);
    if (!claim) return `persistentvolumeclaim ${JSON.stringify(name)} not found`;
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`;
    if (claim.status?.phase === "Lost") {
      return `persistentvolumeclaim ${JSON.stringify(name)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? "")}`;
    }
    if (claim.status?.phase !== "Bound") return "pod has unbound immediate PersistentVolumeClaims";
  }
  return undefined;
}

export function claimNames({ spec, metadata }: Pod): string[] {
  const volumes = (spec.volumes ?? []) as { name: string; persistentVolumeClaim?: { claimName: string }; ephemeral?: object }[];
  return volumes.flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${metadata.name}-${name}`] : [];
  });
}
