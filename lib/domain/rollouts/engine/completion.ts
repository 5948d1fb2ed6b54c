import type { Workload } from "#lib/kubernetes/objects.ts";
import { countReplicas } from "../../fleet/health.ts";
import { canonicalTemplate } from "../../fleet/template.ts";
import type { RolloutTarget } from "../start/target.ts";
import type { RolloutRun } from "./run.ts";
import { type Open, type Situation, sentence } from "./situation.ts";

/** By kubectl's rules: every instance is of the present template and available. */
export function awaitComplete({ stable, failing }: Situation["world"]): Open | null {
  const { desired, updated, replicas, available } = countReplicas(stable);
  if (!isObserved(stable)) return { writes: [], waiting: "Waiting for the cluster to take up the change." };
  if (updated < desired) return { writes: [], waiting: sentence(`${updated} of ${desired} instances are updated`, failing) };
  if (replicas > updated || stable.status?.currentRevision !== stable.status?.updateRevision) {
    return { writes: [], waiting: "Waiting until the old instances have ended." };
  }
  if (available >= updated) return null;
  return { writes: [], waiting: sentence(`${available} of ${updated} instances are available`, failing) };
}

/** Whether stable is as a rollout wants to find it: every instance of its present template and available. */
export function isSettled(world: Situation["world"]): boolean {
  return awaitComplete(world) === null;
}

/** Whether all instances that there are have the present template, and enough are available for what the candidate gives back. */
export function canServe({ stable, candidate }: Situation["world"], { by, before, weight }: RolloutRun): boolean {
  const { updated, replicas, available } = countReplicas(stable);
  const isCandidateDown = (candidate?.status?.availableReplicas ?? 0) === 0;
  const share = by === "replicas" || isCandidateDown ? 1 : Math.max(1, Math.ceil((before.replicas * weight) / 100));
  // A quarter may be missing, as by default of a Deployment: one broken node must not keep the traffic at a bad candidate.
  const needed = before.replicas === 0 ? 0 : share - Math.floor(share / 4);
  return isObserved(stable) && replicas <= updated && available >= needed;
}

/** Whether the workload has this pod template. */
export function hasTemplate({ spec }: Workload, template: RolloutTarget["template"]): boolean {
  return canonicalTemplate(spec.template) === canonicalTemplate(template);
}

/** Whether the cluster's controller has seen the last write. */
export function isObserved({ metadata, status }: Workload): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}
