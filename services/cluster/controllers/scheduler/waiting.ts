import type { Pod } from "../objects.ts";
import { claimNames } from "./claims.ts";

/** A pod that no node could take. */
export type Waiting = {
  /** It may be placed when another pod comes to its namespace's neighbourhood: affinity, or a spread that evens out. */
  needsOthers: boolean;
  claims: ReadonlySet<string>;
  message: string;
  toldMs: number;
};

export function waitingFor(pod: Pod, message: string, toldMs: number): Waiting {
  const { affinity, topologySpreadConstraints = [] } = pod.spec;
  const needsOthers =
    affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined ||
    topologySpreadConstraints.some(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule");
  const claims = new Set(claimNames(pod).map((name) => `${pod.metadata.namespace}/${name}`));
  return { needsOthers, claims, message, toldMs };
}
