import type { Behavior, ScalingPolicy, ScalingRules } from "./types.ts";

/**
 * From what the metrics ask for to what is done: stabilisation over time, limits of speed, and the bounds of the autoscaler.
 * The rules are those of Kubernetes' pkg/controller/podautoscaler/horizontal.go.
 */

export type Recommendation = { replicas: number; atMs: number };
export type ScaleEvent = { change: number; atMs: number };

/** What was recommended and done lately. It is lost with the process, as in Kubernetes. */
export type History = { recommendations: readonly Recommendation[]; ups: readonly ScaleEvent[]; downs: readonly ScaleEvent[] };

export type Bounds = { currentReplicas: number; minReplicas: number; maxReplicas: number };

export type Reason = { reason: string; message: string };

export type Decision = {
  replicas: number;
  history: History;
  ableToScale: Reason;
  scalingLimited: Reason & { status: "True" | "False" };
};

export const defaultDownscaleSeconds = 300;

export function firstHistory(currentReplicas: number, nowMs: number): History {
  return { recommendations: [{ replicas: currentReplicas, atMs: nowMs }], ups: [], downs: [] };
}

/** Stabilises and limits a wish. */
export function decideReplicas(
  wanted: number,
  bounds: Bounds,
  behavior: Behavior | undefined,
  history: History,
  nowMs: number,
): Decision {
  const rules = behavior && completed(behavior);
  const stabilized = stabilize(wanted, bounds.currentReplicas, rules, history, nowMs);
  const limited = rules
    ? limitByRules(stabilized.replicas, bounds, rules, history, nowMs)
    : limitByDefault(stabilized.replicas, bounds);
  const status = limited.replicas === stabilized.replicas ? "False" : "True";
  return {
    replicas: limited.replicas,
    history: { ...history, recommendations: stabilized.recommendations },
    ableToScale: stabilized.reason,
    scalingLimited: { status, reason: limited.reason, message: limited.message },
  };
}

/** The history after a change of the replicas; what no policy looks at any more is forgotten. */
export function withScaling(
  history: History,
  behavior: Behavior | undefined,
  { from, to }: { from: number; to: number },
  nowMs: number,
): History {
  if (!behavior || from === to) return history;
  const { scaleUp, scaleDown } = completed(behavior);
  const longest = Math.max(...[...scaleUp.policies, ...scaleDown.policies].map(({ periodSeconds }) => periodSeconds));
  const recent = (events: readonly ScaleEvent[]) => events.filter(({ atMs }) => atMs >= nowMs - longest * 1000);
  const ups = recent(history.ups);
  const downs = recent(history.downs);
  if (to > from) return { ...history, ups: [...ups, { change: to - from, atMs: nowMs }], downs };
  return { ...history, ups, downs: [...downs, { change: from - to, atMs: nowMs }] };
}

type CompleteRules = Required<ScalingRules>;
type CompleteBehavior = { scaleUp: CompleteRules; scaleDown: CompleteRules };

/** Source: pkg/apis/autoscaling/v2/defaults.go. */
function completed({ scaleUp, scaleDown }: Behavior): CompleteBehavior {
  const double: ScalingPolicy = { type: "Percent", value: 100, periodSeconds: 15 };
  const upPolicies: ScalingPolicy[] = [{ type: "Pods", value: 4, periodSeconds: 15 }, double];
  return {
    scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: upPolicies, ...scaleUp },
    scaleDown: {
      stabilizationWindowSeconds: defaultDownscaleSeconds,
      selectPolicy: "Max",
      policies: [double],
      ...scaleDown,
    },
  };
}

const lower = "recent recommendations were lower than current one, applying the lowest recent recommendation";
const higher = "recent recommendations were higher than current one, applying the highest recent recommendation";

/** Up only as far as everything lately recommended, and down not below anything lately recommended. */
function stabilize(
  wanted: number,
  currentReplicas: number,
  rules: CompleteBehavior | undefined,
  { recommendations }: History,
  nowMs: number,
): { replicas: number; recommendations: Recommendation[]; reason: Reason } {
  const upFromMs = nowMs - (rules?.scaleUp.stabilizationWindowSeconds ?? 0) * 1000;
  const downFromMs = nowMs - (rules?.scaleDown.stabilizationWindowSeconds ?? defaultDownscaleSeconds) * 1000;
  const since = (fromMs: number) => recommendations.filter(({ atMs }) => atMs > fromMs).map(({ replicas }) => replicas);
  const least = Math.min(wanted, ...since(upFromMs));
  const most = Math.max(wanted, ...since(downFromMs));
  const replicas = rules ? Math.min(Math.max(currentReplicas, least), most) : most;
  const kept = recommendations.filter(({ atMs }) => atMs >= upFromMs || atMs >= downFromMs);
  let reason: Reason = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
  if (replicas !== wanted) {
    const isUp = rules !== undefined && wanted >= currentReplicas;
    reason = isUp ? { reason: "ScaleUpStabilized", message: lower } : { reason: "ScaleDownStabilized", message: higher };
  }
  return { replicas, recommendations: [...kept, { replicas: wanted, atMs: nowMs }], reason };
}

const withinRange = { reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" };
const tooMany = { reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count" };
const tooFew = { reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count" };
const tooFastUp = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const tooFastDown = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};

/** Without a behaviour: at most twice as many, or four. */
function limitByDefault(wanted: number, { currentReplicas, minReplicas, maxReplicas }: Bounds): { replicas: number } & Reason {
  const fastest = Math.max(2 * currentReplicas, 4);
  const most = Math.min(maxReplicas, fastest);
  if (wanted < minReplicas) return { replicas: minReplicas, ...tooFew };
  if (wanted > most) return { replicas: most, ...(maxReplicas > fastest ? tooFastUp : tooMany) };
  return { replicas: wanted, ...withinRange };
}

function limitByRules(
  wanted: number,
  { currentReplicas, minReplicas, maxReplicas }: Bounds,
  { scaleUp, scaleDown }: CompleteBehavior,
  history: History,
  nowMs: number,
): { replicas: number } & Reason {
  if (wanted > currentReplicas) {
    const fastest = Math.max(currentReplicas, scaleUpLimit(currentReplicas, scaleUp, history, nowMs));
    const most = Math.min(maxReplicas, fastest);
    if (wanted > most) return { replicas: most, ...(maxReplicas > fastest ? tooFastUp : tooMany) };
  }
  if (wanted < currentReplicas) {
    const fastest = Math.min(currentReplicas, scaleDownLimit(currentReplicas, scaleDown, history, nowMs));
    const least = Math.max(minReplicas, fastest);
    if (wanted < least) return { replicas: least, ...(minReplicas < fastest ? tooFastDown : tooFew) };
  }
  return { replicas: wanted, ...withinRange };
}

function scaleUpLimit(current: number, rules: CompleteRules, history: History, nowMs: number): number {
  if (rules.selectPolicy === "Disabled") return current;
  const limits = rules.policies.map((policy) => {
    const start = replicasAtStart(current, policy, history, nowMs);
    return policy.type === "Pods" ? start + policy.value : Math.ceil((start * (100 + policy.value)) / 100);
  });
  return rules.selectPolicy === "Min" ? Math.min(...limits) : Math.max(...limits);
}

function scaleDownLimit(current: number, rules: CompleteRules, history: History, nowMs: number): number {
  if (rules.selectPolicy === "Disabled") return current;
  const limits = rules.policies.map((policy) => {
    const start = replicasAtStart(current, policy, history, nowMs);
    return policy.type === "Pods" ? start - policy.value : Math.trunc((start * (100 - policy.value)) / 100);
  });
  // The policy that changes least leaves most.
  return rules.selectPolicy === "Min" ? Math.max(...limits) : Math.min(...limits);
}

function replicasAtStart(current: number, { periodSeconds }: ScalingPolicy, { ups, downs }: History, nowMs: number): number {
  const changed = (events: readonly ScaleEvent[]) =>
    events.reduce((sum, { change, atMs }) => (atMs > nowMs - periodSeconds * 1000 ? sum + change : sum), 0);
  return current - changed(ups) + changed(downs);
}
