import { type KubeObject, resources } from "../api.ts";
import { timestamp } from "../timestamp.ts";
import { withMetadata } from "./metadata.ts";
import { refusals } from "./refusals.ts";

type Condition = { type: string; status: string; lastTransitionTime?: string };
type Pod = KubeObject & {
  spec: { nodeName?: string; schedulingGates?: unknown[] };
  status?: { conditions?: Condition[] };
};

/** The pod with its node, which its condition PodScheduled tells too. Throws StatusError (409) when it cannot be given one. */
export function boundPod(stored: KubeObject, node: string, now: Date): KubeObject {
  const { spec, status, metadata } = stored as Pod;
  const { name } = metadata;
  const refuse = (detail: string) => refusals.conflict({ ...resources.pods, resource: "pods/binding" }, name, detail);
  if (metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if (spec.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const others = (status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const condition = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: timestamp(now) };
  const bound = { ...stored, spec: { ...spec, nodeName: node }, status: { ...status, conditions: [...others, condition] } };
  return withMetadata(bound, {});
}
