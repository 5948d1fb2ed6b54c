import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import {
  type HorizontalPodAutoscaler,
  type Node,
  type Pod,
  type PodTemplate,
  paths,
  type Workload,
} from "#lib/kubernetes/objects.ts";
import type { Strategy } from "../rollouts/strategy.ts";
import { countRoom, hasUncountedRules, takesRoom } from "./capacity.ts";
import { limitsOf } from "./owner.ts";
import type { Forecast, Limits } from "./schemas.ts";

/** What is going to happen to a service, as far as it needs room. */
export type Undertaking = {
  /** The service as it is. */
  workload: Workload;
  autoscaler: HorizontalPodAutoscaler | null;
  /** The limits that the autoscaler is to get; absent: those that it has. */
  limits?: Limits;
  /** The pod template that it is to get. */
  template: PodTemplate;
  /** How; null: the template stays. */
  strategy: Strategy | null;
  /** Whether a route weighs the traffic, so that stable keeps its instances while the candidate runs. */
  byRoute: boolean;
};

/** Reads nodes and pods afresh and forecasts on them. */
export async function readForecast(kubernetes: KubernetesClient, undertaking: Undertaking): Promise<Forecast> {
  const [nodes, pods] = await Promise.all([kubernetes.list<Node>(paths.nodes), kubernetes.list<Pod>(paths.pods)]);
  return forecastPeak(undertaking, nodes, pods);
}

/**
 * The most instances that there can be at once: the service at its autoscaler's most, the candidate, and the surge of a rolling
 * update, against the room that the nodes have now.
 */
export function forecastPeak(undertaking: Undertaking, nodes: readonly Node[], pods: readonly Pod[]): Forecast {
  const { workload, template } = undertaking;
  const now = pods.filter((pod) => takesRoom(pod) && isInstance(pod, workload)).length;
  const parts = countParts(undertaking);
  const peak = parts.stable + parts.candidate + parts.surge;
  const room = countRoom(template, nodes, pods);
  const short = Math.max(0, peak - now - room);
  return {
    now,
    peak,
    parts,
    room,
    short,
    message: describe({ now, peak, parts, room, short }),
    notes: listNotes(undertaking, parts),
  };
}

function countParts({ workload, autoscaler, limits, strategy, byRoute }: Undertaking): Forecast["parts"] {
  const replicas = workload.spec.replicas ?? 1;
  const most = limits?.max ?? (autoscaler ? limitsOf(autoscaler).max : replicas);
  const stable = Math.max(most, replicas);
  if (strategy === null) return { stable, candidate: 0, surge: 0 };
  const surge = countSurge(workload, stable);
  if (strategy.kind === "rolling") return { stable, candidate: 0, surge };
  if (strategy.kind === "blue-green") return { stable, candidate: Math.max(stable, strategy.previewReplicas ?? 0), surge };
  const weight = Math.max(...strategy.steps.map((step) => step.weight));
  const candidate = Math.ceil((replicas * weight) / 100);
  // By replica share stable gives up what the candidate gets, and takes it back while the candidate still runs.
  const givesUp = !byRoute && autoscaler === null;
  return { stable, candidate, surge: givesUp ? Math.max(0, surge - candidate) : surge };
}

/** A Deployment's maxSurge, by default 25 % rounded up; a StatefulSet replaces its pods one by one. */
function countSurge({ kind, spec }: Workload, replicas: number): number {
  if (kind !== "Deployment") return 0;
  const { type = "RollingUpdate", rollingUpdate } = (spec as DeploymentSpec).strategy ?? {};
  if (type !== "RollingUpdate") return 0;
  const surge = rollingUpdate?.maxSurge ?? "25%";
  if (typeof surge === "number") return surge;
  const number = Number.parseInt(surge, 10) || 0;
  return surge.endsWith("%") ? Math.ceil((replicas * number) / 100) : number;
}

type DeploymentSpec = { strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string } } };

function isInstance({ metadata }: Pod, workload: Workload): boolean {
  if (metadata.namespace !== workload.metadata.namespace) return false;
  const selector = Object.entries(workload.spec.selector.matchLabels ?? {});
  return selector.length > 0 && selector.every(([key, value]) => metadata.labels?.[key] === value);
}

function describe({ now, peak, parts, room, short }: Omit<Forecast, "message" | "notes">): string {
  const shares = [
    `${parts.stable} of the service`,
    ...(parts.candidate > 0 ? [`${parts.candidate} of the candidate`] : []),
    ...(parts.surge > 0 ? [`${parts.surge} more while instances are replaced`] : []),
  ];
  const most = `At most ${count(peak)} at once${shares.length > 1 ? ` (${shares.join(", ")})` : ""}`;
  const fits = short > 0 ? `${short} of them would wait for room` : "all of them fit";
  return `${most}: ${now} ${now === 1 ? "has" : "have"} a node now, and the nodes have room for ${room} more, so ${fits}.`;
}

function count(instances: number): string {
  return instances === 1 ? "1 instance" : `${instances} instances`;
}

function listNotes(undertaking: Undertaking, { candidate }: Forecast["parts"]): string[] {
  const { autoscaler, strategy, template } = undertaking;
  const notes: string[] = [];
  const name = autoscaler?.metadata.name;
  if (name !== undefined && strategy !== null) {
    notes.push(`While the autoscaler ${name} changes the number of instances, the rollout does not advance.`);
  }
  if (name !== undefined && candidate > 0) {
    notes.push(
      `The autoscaler ${name} counts the candidate's instances with the service's own, because its selector finds both: it may ask for up to ${candidate} more than the load needs, and by a metric that more instances do not lower, such as memory, for its most.`,
    );
  }
  const share = findShare(undertaking);
  if (share) {
    notes.push(
      `The autoscaler ${name} keeps stable's number, so by instances the candidate's share is smaller than its weight: about ${share.real} % at ${share.weight} %.`,
    );
  }
  if (hasUncountedRules(template)) {
    notes.push("The pod template's rules of affinity or spread are not counted; they can make the room smaller.");
  }
  return notes;
}

/** The largest weight below all, and what it comes to when stable gives up nothing for it; null where stable does, or a route weighs. */
function findShare({ workload, autoscaler, strategy, byRoute }: Undertaking): { weight: number; real: number } | null {
  if (autoscaler === null || byRoute || strategy?.kind !== "canary") return null;
  const weight = Math.max(0, ...strategy.steps.map((step) => step.weight).filter((one) => one < 100));
  const replicas = workload.spec.replicas ?? 1;
  const candidate = Math.ceil((replicas * weight) / 100);
  const real = Math.round((100 * candidate) / (replicas + candidate));
  return real < weight ? { weight, real } : null;
}
