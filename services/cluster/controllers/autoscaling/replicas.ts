import type { Pod } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { parseQuantity } from "../quantity.ts";

/**
 * How many replicas a metric asks for. The rules are those of Kubernetes' pkg/controller/podautoscaler/replica_calculator.go;
 * values are thousandths (of a core, a byte, a request) and whole numbers, so that the rounding is the same, too.
 */

/** What a pod uses: in thousandths, measured over the window that ended at `atMs`. */
export type PodMetric = { value: number; atMs: number; windowMs: number };

/** Measured pods by name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

export type Rules = {
  now: Date;
  tolerance: number;
  /** For so long after a pod's start its processor use counts only when it was measured while the pod was ready. */
  cpuInitializationMs: number;
  /** A pod that has been unready since this long after its start was never ready. */
  initialReadinessDelayMs: number;
};

export const defaultRules = { tolerance: 0.1, cpuInitializationMs: 300_000, initialReadinessDelayMs: 30_000 };

export type Proposal = { replicas: number; averageValue: number; averageUtilization?: number };

/** Why no count could be computed. The messages are Kubernetes' own. */
export class MetricError extends Error {}

export type Question = {
  currentReplicas: number;
  pods: readonly Pod[];
  metrics: PodMetrics;
  /** "cpu" and "memory"; undefined for a metric of the application's own. */
  resource?: string;
  rules: Rules;
};

/** The count for a share of the requests, in percent. */
export function replicasForUtilization(question: Question, targetPercent: number, container?: string): Proposal {
  const { pods, resource = "" } = question;
  const requests = requestsOf(pods, resource, container);
  const measure = (metrics: PodMetrics) => utilization(metrics, requests, targetPercent);
  // Pods that are not measured are assumed to use what they asked for, or the target when that is more.
  const assumed = (pod: string) => Math.trunc(((requests.get(pod) ?? 0) * Math.max(100, targetPercent)) / 100);
  const { replicas, measured } = decide(question, measure, assumed);
  return { replicas, averageValue: measured.averageValue, averageUtilization: measured.percent };
}

/** The count for an average value of each pod, in thousandths. */
export function replicasForAverageValue(question: Question, targetMilli: number): Proposal {
  const measure = (metrics: PodMetrics) => {
    const averageValue = Math.trunc(sumOf(metrics.values()) / metrics.size);
    return { ratio: averageValue / targetMilli, averageValue };
  };
  const { replicas, measured } = decide(question, measure, () => targetMilli);
  return { replicas, averageValue: measured.averageValue };
}

type Measured = { ratio: number; averageValue: number };

function decide<M extends Measured>(
  question: Question,
  measure: (metrics: PodMetrics) => M,
  assumedWhenMissing: (pod: string) => number,
): { replicas: number; measured: M } {
  const { currentReplicas, pods, rules } = question;
  if (pods.length === 0) throw new MetricError("no pods returned by selector while calculating replica count");
  const { ready, unready, missing, ignored } = groupPods(question);
  const counted = new Map(question.metrics);
  for (const name of [...unready, ...ignored]) counted.delete(name);
  if (counted.size === 0) throw new MetricError("did not receive metrics for any targeted pods (pods might be unready)");

  const measured = measure(counted);
  const isSmall = (ratio: number) => ratio >= 1 - rules.tolerance && ratio <= 1 + rules.tolerance;
  const raises = unready.length > 0 && measured.ratio > 1;
  if (!raises && missing.length === 0) {
    return { replicas: isSmall(measured.ratio) ? currentReplicas : ceil(measured.ratio * ready), measured };
  }
  // The unknown is assumed to speak against the change.
  const assume = (name: string, value: number) => counted.set(name, { value, atMs: 0, windowMs: 0 });
  if (measured.ratio !== 1) for (const name of missing) assume(name, measured.ratio < 1 ? assumedWhenMissing(name) : 0);
  if (raises) for (const name of unready) assume(name, 0);

  const { ratio } = measure(counted);
  const turns = (measured.ratio < 1 && ratio > 1) || (measured.ratio > 1 && ratio < 1);
  if (isSmall(ratio) || turns) return { replicas: currentReplicas, measured };
  const replicas = ceil(ratio * counted.size);
  const isAgainst = (ratio < 1 && replicas > currentReplicas) || (ratio > 1 && replicas < currentReplicas);
  return { replicas: isAgainst ? currentReplicas : replicas, measured };
}

type Groups = { ready: number; unready: string[]; missing: string[]; ignored: string[] };

/** Ready pods count; pods that are not measured or not ready are treated with caution; those that end are left out. */
function groupPods({ pods, metrics, resource, rules }: Question): Groups {
  const groups: Groups = { ready: 0, unready: [], missing: [], ignored: [] };
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || pod.status?.phase === "Failed") groups.ignored.push(name);
    else if (pod.status?.phase === "Pending") groups.unready.push(name);
    else if (!metric) groups.missing.push(name);
    else if (resource === "cpu" && !isCpuUsable(pod, metric, rules)) groups.unready.push(name);
    else groups.ready += 1;
  }
  return groups;
}

function isCpuUsable(pod: Pod, metric: PodMetric, { now, cpuInitializationMs, initialReadinessDelayMs }: Rules): boolean {
  const ready = findCondition(pod.status?.conditions, "Ready");
  const startedMs = Date.parse(String(pod.status?.startTime ?? ""));
  if (!ready || Number.isNaN(startedMs)) return false;
  const changedMs = Date.parse(ready.lastTransitionTime ?? "") || 0;
  const isUnready = ready.status === "False";
  if (startedMs + cpuInitializationMs > now.getTime()) return !isUnready && metric.atMs >= changedMs + metric.windowMs;
  return !(isUnready && startedMs + initialReadinessDelayMs > changedMs);
}

function requestsOf(pods: readonly Pod[], resource: string, container: string | undefined): Map<string, number> {
  const requests = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
    let total = 0;
    for (const { name, resources } of [...spec.containers, ...sidecars]) {
      if (container !== undefined && name !== container) continue;
      const request = parseQuantity(resources?.requests?.[resource]);
      if (request === undefined) {
        throw new MetricError(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
      }
      total += milli(request);
    }
    requests.set(metadata.name, total);
  }
  return requests;
}

function utilization(metrics: PodMetrics, requests: ReadonlyMap<string, number>, targetPercent: number) {
  const known = [...metrics].flatMap(([name, { value }]) => {
    const request = requests.get(name);
    return request === undefined ? [] : [{ value, request }];
  });
  const requested = known.reduce((sum, { request }) => sum + request, 0);
  if (requested === 0) throw new MetricError("no metrics returned matched known pods");
  const used = sumOf(known);
  const percent = Math.trunc((used * 100) / requested);
  return { ratio: percent / targetPercent, percent, averageValue: Math.trunc(used / known.length) };
}

function sumOf(values: Iterable<{ value: number }>): number {
  let sum = 0;
  for (const { value } of values) sum += value;
  return sum;
}

/** Thousandths, rounded up as Kubernetes rounds quantities. */
export function milli(value: number): number {
  return ceil(value * 1000);
}

function ceil(value: number): number {
  // 1.1 * 10 is 11.000000000000002: that must not become 12.
  return Math.ceil(Math.round(value * 1e6) / 1e6);
}
