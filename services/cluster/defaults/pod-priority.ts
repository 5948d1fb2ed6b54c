import type { V1Pod } from "@kubernetes/client-node";
import { resources } from "../api.ts";
import { refusals } from "../registry/refusals.ts";

/** The classes that every cluster has. Others are not served, so that no pod names one in vain. */
const classes = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

/** The admission plugin Priority. A priority is kept, and nobody is preempted for it. Throws StatusError (403). */
export function admitPriority({ metadata, spec }: V1Pod): void {
  if (!spec) return;
  const name = metadata?.name || metadata?.generateName || "";
  const wanted = spec.priorityClassName ? classes.get(spec.priorityClassName) : 0;
  if (wanted === undefined) {
    throw refusals.forbidden(resources.pods, name, `no PriorityClass with name ${spec.priorityClassName} was found`);
  }
  if (spec.priority !== undefined && spec.priority !== wanted) {
    const detail = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${wanted} from the given PriorityClass name`;
    throw refusals.forbidden(resources.pods, name, detail);
  }
  spec.priority = wanted;
}
