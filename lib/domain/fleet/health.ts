import type { Workload } from "#lib/kubernetes/objects.ts";
import { isFailing } from "./pod-status.ts";
import type { Health, Instance } from "./schemas.ts";

/** The health of a service and the sentence that explains it. */
export type Judgement = { health: Health; reason: string };

export type HealthInput = {
  workload: Workload;
  /** What stands beside it while a rollout with a strategy is carried out: together they are the service. */
  candidate: Workload | null;
  instances: readonly Instance[];
  now: Date;
  /** Since when nothing was heard of the cluster; null while the feed is connected. */
  staleSince: Date | null;
};

const defaultDeadlineSeconds = 600;
const firstStartMs = 60_000;

/**
 * Decides one word: unknown (stale feed), down (none ready), degraded (a failing instance, a failed rollout, or too few ready),
 * progressing (a change within its deadline), paused, healthy; in this order.
 */
export function judgeHealth(input: HealthInput): Judgement {
  const { workload, staleSince } = input;
  const judgement = judgePresent(input);
  if (!staleSince) return judgement;
  const name = workload.metadata.name;
  return {
    health: "unknown",
    reason: `No news from the cluster since ${staleSince.toISOString()}; ${name} was ${judgement.health} then.`,
  };
}

function judgePresent({ workload, candidate, instances, now }: HealthInput): Judgement {
  const own = countReplicas(workload);
  const counts = candidate ? addCounts(own, countReplicas(candidate)) : own;
  const failing = describeFailing(instances);
  const deadlineMs = (workload.spec.progressDeadlineSeconds ?? defaultDeadlineSeconds) * 1000;
  const starting = instances.filter(
    (instance) => !instance.ready && !instance.deleting && !isFailing(instance.status) && age(instance, now) < deadlineMs,
  ).length;
  if (counts.desired > 0 && counts.ready === 0) {
    if (!failing && isFirstStart(workload, now) && starting > 0)
      return { health: "progressing", reason: `Starting for the first time: 0 of ${counts.desired} ready.` };
    return { health: "down", reason: sentence(`None of ${counts.desired} instances is ready`, failing) };
  }
  if (failing) return { health: "degraded", reason: sentence(`${counts.ready} of ${counts.desired} ready`, failing) };
  const failure = findFailure(workload);
  if (failure) return { health: "degraded", reason: failure };
  if (counts.desired === 0 && counts.replicas === 0 && !workload.spec.paused)
    return { health: "healthy", reason: "Scaled to 0: nothing should run." };
  const moving = describeMove(workload, own);
  const isMoving = moving !== null || (candidate !== null && describeMove(candidate, countReplicas(candidate)) !== null);
  if (counts.ready < counts.desired && !isMoving && starting === 0)
    return { health: "degraded", reason: `${counts.ready} of ${counts.desired} instances are ready.` };
  if (workload.spec.paused) return { health: "paused", reason: "Paused: changes of the template wait until it is resumed." };
  if (moving) return { health: "progressing", reason: moving };
  if (candidate) return { health: "progressing", reason: describeCandidate(candidate, own) };
  if (counts.ready < counts.desired)
    return { health: "progressing", reason: `${starting} starting: ${counts.ready} of ${counts.desired} ready.` };
  return { health: "healthy", reason: `${counts.ready} of ${counts.desired} instances are ready.` };
}

type Counts = { desired: number; replicas: number; updated: number; ready: number; available: number };

/** The numbers of a workload, absent ones as 0 (desired: 1). */
export function countReplicas({ spec, status }: Workload): Counts {
  return {
    desired: spec.replicas ?? 1,
    replicas: status?.replicas ?? 0,
    updated: status?.updatedReplicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
  };
}

function addCounts(a: Counts, b: Counts): Counts {
  const names = Object.keys(a) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as Counts;
}

function describeCandidate(candidate: Workload, own: Counts): string {
  const { desired, ready } = countReplicas(candidate);
  return `A rollout is under way: ${ready} of ${desired} candidate instances are ready, beside ${own.ready} of ${own.desired}.`;
}

function describeMove(workload: Workload, { desired, replicas, updated, available }: Counts): string | null {
  if (workload.spec.paused) return null;
  if ((workload.status?.observedGeneration ?? 0) < (workload.metadata.generation ?? 0))
    return "A change was accepted and begins.";
  if (updated < desired) return `Rolling out: ${updated} of ${desired} instances are updated.`;
  if (replicas > updated)
    return `Rolling out: ${replicas - updated} old ${replicas - updated === 1 ? "instance ends" : "instances end"}.`;
  const reason = findCondition(workload, "Progressing")?.reason;
  if (available < desired && reason !== undefined && reason !== "NewReplicaSetAvailable")
    return `Rolling out: ${available} of ${desired} updated instances are available.`;
  return null;
}

function findFailure(workload: Workload): string | null {
  const progressing = findCondition(workload, "Progressing");
  if (progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded")
    return "The rollout made no progress within its deadline (ProgressDeadlineExceeded).";
  const failure = findCondition(workload, "ReplicaFailure");
  if (failure?.status === "True") return `Instances cannot be created: ${failure.message ?? failure.reason ?? "no reason given"}`;
  return null;
}

function findCondition(workload: Workload, type: string) {
  return workload.status?.conditions?.find((condition) => condition.type === type);
}

/** A StatefulSet has no condition that tells: a young one is taken to be starting. */
function isFirstStart(workload: Workload, now: Date): boolean {
  if (workload.kind === "StatefulSet") return now.getTime() - Date.parse(workload.metadata.creationTimestamp) < firstStartMs;
  const progressing = findCondition(workload, "Progressing");
  return progressing?.reason !== "NewReplicaSetAvailable" && progressing?.reason !== "ProgressDeadlineExceeded";
}

/** What is wrong with the failing instances, the most frequent status first; null when none fails. */
export function describeFailing(instances: readonly Instance[]): string | null {
  const failing = instances.filter((instance) => !instance.deleting && isFailing(instance.status));
  const first = mostFrequent(failing);
  if (!first) return null;
  const same = failing.filter((instance) => instance.status === first.status).length;
  // The kubelet's words on a crash loop only repeat the back-off; how the process ended says more.
  const ended = exitText(first);
  const cause = first.statusMessage && !(ended && first.status.endsWith("CrashLoopBackOff")) ? `: ${first.statusMessage}` : ended;
  return `${same} ${same === 1 ? "instance is" : "instances are"} in ${first.status}${cause}`;
}

function exitText({ lastRestart }: Instance): string {
  if (!lastRestart) return "";
  const code = lastRestart.exitCode === null ? "" : ` with exit code ${lastRestart.exitCode}`;
  return `, last ended by ${lastRestart.reason}${code}`;
}

function mostFrequent(instances: readonly Instance[]): Instance | undefined {
  const groups = Map.groupBy(instances, (instance) => instance.status);
  return [...groups.values()].toSorted((a, b) => b.length - a.length)[0]?.[0];
}

function sentence(start: string, failing: string | null): string {
  const text = failing ? `${start}; ${failing}` : start;
  return text.endsWith(".") ? text : `${text}.`;
}

function age(instance: Instance, now: Date): number {
  return now.getTime() - Date.parse(instance.createdAt);
}
