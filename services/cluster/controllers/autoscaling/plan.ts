import { timestamp } from "../../timestamp.ts";
import type { PlannedEvent } from "../events.ts";
import type { Condition, Pod } from "../objects.ts";
import { decideReplicas, firstHistory, type History, type Reason, withScaling } from "./behavior.ts";
import { type ConditionType, setCondition } from "./conditions.ts";
import { type Evaluation, evaluateMetric } from "./metrics.ts";
import { defaultRules, type Rules } from "./replicas.ts";
import type { Reading } from "./sources.ts";
import type { AutoscalerStatus, HorizontalPodAutoscaler, MetricStatus } from "./types.ts";

/** What an autoscaler works on: the replicas that its target wants now and the pods that its selector finds. */
export type Target = { replicas: number; pods: readonly Pod[]; selector: string; rivals: readonly string[] };

export type World = {
  autoscaler: HorizontalPodAutoscaler;
  /** Why there is none, otherwise. */
  target: Target | Error;
  /** One for each metric of the spec. */
  readings: readonly Reading[];
  history: History | undefined;
  rules?: Partial<Rules>;
  now: Date;
};

export type Plan = {
  status: AutoscalerStatus;
  events: PlannedEvent[];
  history?: History;
  /** What the target's replicas become, and what then follows, for better or worse. */
  rescale?: { from: number; to: number; done: Outcome; failed: (message: string) => Outcome };
};

export type Outcome = { status: AutoscalerStatus; events: PlannedEvent[]; history?: History };

type Wanted = {
  replicas: number;
  rescaleReason: string;
  metrics: MetricStatus[];
  history: History;
};

/** One pass over an autoscaler, decided from what is known (Kubernetes: horizontal.go, reconcileAutoscaler). */
export function planAutoscaler(world: World): Plan {
  const { autoscaler, target, now } = world;
  const draft = new Draft(autoscaler, now);
  if (target instanceof Error) {
    const message = `the HPA controller was unable to get the target's current scale: ${target.message}`;
    draft.set("AbleToScale", "False", { reason: "FailedGetScale", message });
    draft.warn("FailedGetScale", target.message);
    return { ...draft.outcome(autoscaler.status), history: world.history };
  }
  const gotScale = "the HPA controller was able to get the target's current scale";
  draft.set("AbleToScale", "True", { reason: "SucceededGetScale", message: gotScale });
  const history = world.history ?? firstHistory(target.replicas, now.getTime());
  const current = { ...autoscaler.status, currentReplicas: target.replicas };

  const wanted = decide({ ...world, target }, draft, history);
  if (!wanted) return { ...draft.outcome(current), history };
  if ("disabled" in wanted) {
    return { ...draft.outcome({ ...current, desiredReplicas: target.replicas, currentMetrics: [] }), history };
  }
  const settled = { ...current, desiredReplicas: wanted.replicas, currentMetrics: wanted.metrics };
  if (wanted.replicas === target.replicas) return { ...draft.outcome(settled), history: wanted.history };
  return { ...draft.outcome(settled), history: wanted.history, rescale: rescaleOf(world, target, wanted, draft, settled) };
}

function rescaleOf(
  { autoscaler, now }: World,
  { replicas: from }: Target,
  { replicas: to, rescaleReason, history }: Wanted,
  draft: Draft,
  settled: AutoscalerStatus,
): NonNullable<Plan["rescale"]> {
  const done = draft.copy();
  const message = `the HPA controller was able to update the target scale to ${to}`;
  done.set("AbleToScale", "True", { reason: "SucceededRescale", message });
  done.events.push({ type: "Normal", reason: "SuccessfulRescale", message: `New size: ${to}; reason: ${rescaleReason}` });
  return {
    from,
    to,
    done: {
      ...done.outcome({ ...settled, lastScaleTime: timestamp(now) }),
      history: withScaling(history, autoscaler.spec.behavior, { from, to }, now.getTime()),
    },
    failed(why) {
      const failed = draft.copy();
      failed.warn("FailedRescale", `New size: ${to}; reason: ${rescaleReason}; error: ${why}`);
      const unable = `the HPA controller was unable to update the target scale: ${why}`;
      failed.set("AbleToScale", "False", { reason: "FailedUpdateScale", message: unable });
      const { desiredReplicas = 0 } = autoscaler.status ?? {};
      return { ...failed.outcome({ ...settled, desiredReplicas }), history };
    },
  };
}

function decide(world: World & { target: Target }, draft: Draft, history: History): Wanted | { disabled: true } | undefined {
  const { autoscaler, target, now } = world;
  const { minReplicas = 1, maxReplicas, behavior } = autoscaler.spec;
  const currentReplicas = target.replicas;
  if (currentReplicas === 0 && minReplicas !== 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    draft.set("ScalingActive", "False", { reason: "ScalingDisabled", message });
    return { disabled: true };
  }
  const bounded = (replicas: number, rescaleReason: string) => ({ replicas, rescaleReason, metrics: [], history });
  if (currentReplicas > maxReplicas) return bounded(maxReplicas, "Current number of replicas above Spec.MaxReplicas");
  if (currentReplicas < minReplicas) return bounded(minReplicas, "Current number of replicas below Spec.MinReplicas");

  const asked = ask(world, draft);
  if (!asked) return undefined;
  const bounds = { currentReplicas, minReplicas, maxReplicas };
  const decision = decideReplicas(asked.replicas, bounds, behavior, history, now.getTime());
  draft.set("AbleToScale", "True", decision.ableToScale);
  draft.set("ScalingLimited", decision.scalingLimited.status, decision.scalingLimited);
  const rescaleReason = asked.replicas > currentReplicas ? `${asked.description} above target` : "All metrics below target";
  return { replicas: decision.replicas, rescaleReason, metrics: asked.statuses, history: decision.history };
}

/** The most that any metric asks for. One that is not known stops a scale-down, and everything when none is known. */
function ask(
  { autoscaler, target, readings, rules, now }: World & { target: Target },
  draft: Draft,
): { replicas: number; description: string; statuses: MetricStatus[] } | undefined {
  const fail = (reason: string, message: string, detail = message) => {
    draft.set("ScalingActive", "False", { reason, message });
    draft.warn("FailedComputeMetricsReplicas", detail);
    return undefined;
  };
  if (target.rivals.length > 0) {
    const message = `pods by selector ${target.selector} are controlled by multiple HPAs: [${target.rivals.join(" ")}]`;
    draft.warn("AmbiguousSelector", message);
    return fail("AmbiguousSelector", message);
  }
  const { metrics = [] } = autoscaler.spec;
  const basis = { currentReplicas: target.replicas, pods: target.pods, rules: { ...defaultRules, ...rules, now } };
  const evaluations = metrics.flatMap((spec, index): Evaluation[] => {
    const reading = readings[index];
    return reading ? [evaluateMetric(spec, reading, basis)] : [];
  });
  const failures = evaluations.flatMap((one) => ("failure" in one ? [one.failure] : []));
  const proposals = evaluations.flatMap((one) => ("failure" in one ? [] : [one]));
  for (const { reason, message } of failures) draft.warn(reason, message);
  const statuses = evaluations.map(({ status }) => status);
  const [first, ...others] = proposals;
  const most = first && others.reduce((best, one) => (one.replicas > best.replicas ? one : best), first);
  const failure = failures[0];
  if (failure && (!most || most.replicas < target.replicas)) {
    draft.statuses = statuses;
    const detail = `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${failure.detail}`;
    return fail(failure.reason, `the HPA was unable to compute the replica count: ${failure.message}`, detail);
  }
  if (!most) return fail("InvalidMetricSourceType", "the HPA was unable to compute the replica count: it has no metrics");
  const message = `the HPA was able to successfully calculate a replica count from ${most.description}`;
  draft.set("ScalingActive", "True", { reason: "ValidMetricFound", message });
  return { replicas: most.replicas, description: most.description, statuses };
}

/** The conditions and events that a pass collects. */
class Draft {
  events: PlannedEvent[] = [];
  statuses: MetricStatus[] | undefined;
  readonly #autoscaler: HorizontalPodAutoscaler;
  readonly #now: Date;
  #conditions: Condition[];

  constructor(autoscaler: HorizontalPodAutoscaler, now: Date) {
    this.#autoscaler = autoscaler;
    this.#now = now;
    this.#conditions = [...(autoscaler.status?.conditions ?? [])];
  }

  copy(): Draft {
    const copy = new Draft(this.#autoscaler, this.#now);
    copy.#conditions = [...this.#conditions];
    copy.events = [...this.events];
    return copy;
  }

  set(type: ConditionType, status: "True" | "False", { reason, message }: Reason): void {
    this.#conditions = setCondition(this.#conditions, type, { status, reason, message }, this.#now);
  }

  warn(reason: string, message: string): void {
    this.events.push({ type: "Warning", reason, message });
  }

  outcome(base: Partial<AutoscalerStatus> | undefined): Outcome {
    const { desiredReplicas = 0, currentMetrics, ...rest } = base ?? {};
    const metrics = this.statuses ?? currentMetrics ?? [];
    const status: AutoscalerStatus = {
      ...rest,
      desiredReplicas,
      ...(metrics.length > 0 ? { currentMetrics: metrics } : {}),
      conditions: this.#conditions,
    };
    return { status, events: this.events };
  }
}
