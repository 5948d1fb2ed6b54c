import type { Pod, Workload } from "#lib/kubernetes/objects.ts";
import { candidateName, candidateOfLabel } from "../rollouts/engine/run.ts";
import { isManaged } from "./template.ts";

/** On which side of a rollout with a strategy an instance is: what ran before, or the second Deployment with the new template. */
export type Track = "stable" | "candidate";

/** The service that a workload stands beside as its rollout's candidate; null for every other workload. */
export function serviceOfCandidate(workload: Workload): string | null {
  const { labels, name } = workload.metadata;
  const service = labels?.[candidateOfLabel];
  return service && workload.kind === "Deployment" && name === candidateName(service) && !isManaged(workload) ? service : null;
}

/** The same of a pod, which carries the label of its template. */
export function trackOf({ metadata }: Pod): Track {
  return metadata.labels?.[candidateOfLabel] ? "candidate" : "stable";
}
