import type { Workload } from "#lib/kubernetes/objects.ts";
import { formatDuration } from "../../duration.ts";
import { countReplicas } from "../../fleet/health.ts";
import { judgeAnalysis } from "../analysis/verdict.ts";
import type { RolloutEventKind } from "../schemas.ts";
import type { RolloutTarget } from "../start/target.ts";
import type { Strategy } from "../strategy.ts";
import { type Arrangement, arrangementOf } from "./arrangement.ts";
import { takeProgress } from "./best-progress.ts";
import { divide, select, unpinLost } from "./divide-traffic.ts";
import { firstLook } from "./first-look.ts";
import { findForeign, held, letGo } from "./holds.ts";
import { leaveOutAbsence, noteLook } from "./looks.ts";
import { findOutage } from "./outage.ts";
import { hasCandidate, reconcile } from "./reconcile.ts";
import { restore } from "./restore.ts";
import type { RolloutRun, RunAnalysis } from "./run.ts";
import { beginAnalyses, endAnalyses, endAnalysis, endingAnalysis, judgeRunning, type Measured, takeIn } from "./run-analyses.ts";
import { first, type Open, type Situation, sentence, type TrafficSituation } from "./situation.ts";
import { holdUpdate, resumeStable } from "./stable-pause.ts";
import { describeStep } from "./step-texts.ts";
import { digestTemplate } from "./template-digest.ts";
import { routeShareOf, shareOf } from "./traffic-share.ts";
import type { World } from "./world.ts";
import type { Write } from "./writes.ts";

/** What one pass decides on: all of it was read just before. */
export type AdvanceInput = {
  rolloutId: string;
  run: RolloutRun;
  strategy: Strategy;
  target: Pick<RolloutTarget, "template" | "before">;
  world: World;
  measured: readonly Measured[];
  now: Date;
};

export type RunEvent = { kind: RolloutEventKind; message: string };

export type RunEnd = { state: "complete" | "failed" | "aborted"; message: string };

/** What one pass does: writes to the cluster, and what is kept for the next one. */
export type Advance = {
  run: RolloutRun;
  writes: Write[];
  events: RunEvent[];
  state: "progressing" | "paused";
  /** One sentence on where it is. */
  message: string;
  /** The run came to its next step: the next pass need not wait for anything. */
  moved: boolean;
  end: RunEnd | null;
};

/**
 * One pass of a rollout, pure and level-triggered: the world is compared with what the steps so far add up to, and the first
 * difference is mended. A pass that comes to the next step writes nothing, so that what it decided is kept before it is acted on.
 */
export function advance(input: AdvanceInput): Advance {
  const { rolloutId, world, now } = input;
  const { run, event } = leaveOutAbsence(input.run, now);
  const decided = decide({ ...input, run });
  const paused = decided.end && world.stable && resumeStable({ rolloutId, world: { ...world, stable: world.stable } });
  const advanced = paused ? { ...stay(decided.run, "progressing", decided.message), writes: paused.writes } : decided;
  const events = event ? [event, ...advanced.events] : advanced.events;
  return { ...advanced, events, run: noteLook(advanced, now) };
}

function decide(input: AdvanceInput): Advance {
  const { rolloutId, strategy, target, world, now } = input;
  const { stable } = world;
  const run = beginAnalyses(takeIn(input.run, input.measured, now), strategy, now);
  if (!stable) return abandon({ rolloutId, run, strategy, target, world });
  const situation: Situation = {
    rolloutId,
    run: { ...run, weight: shareOf(run, world) },
    strategy,
    target,
    world: { ...world, stable },
  };
  if (run.abort) return goBack(situation, now);
  const judged = judge(situation, now);
  if ("end" in judged) return judged;
  const advanced = goOn({ ...situation, run: judged.run }, now);
  return { ...advanced, events: [...judged.events, ...advanced.events] };
}

/** Without the service's workload only the traffic's ways are left to be put back: another one of its name may come. */
function abandon(situation: TrafficSituation): Advance {
  const { run, world } = situation;
  const message = "The workload was deleted.";
  const open = first(
    () => select("any", situation),
    () => (world.route ? divide(null, situation) : null),
  );
  if (!open || open.writes.length === 0) return over(run, { state: "failed", message });
  return { ...stay(run, "progressing", message), writes: open.writes };
}

/** What the analyses say; a bad one is given up at once, also while a person holds the rollout. */
function judge({ run, strategy }: Situation, now: Date): { run: RolloutRun; events: RunEvent[] } | Advance {
  const judged = judgeRunning(run);
  if (!judged) return { run, events: [] };
  const { outcome, message, analysis } = judged;
  if (outcome === "passed") return { run: endAnalysis(run, analysis), events: [{ kind: "analysis", message }] };
  if (outcome === "inconclusive") return held(run, "inconclusive", message, now);
  return fail(run, strategy, message, now);
}

function goOn(situation: Situation, now: Date): Advance {
  const { run, strategy } = situation;
  if (run.by === null) {
    if (run.hold) return stand(run, []);
    const seen = firstLook(situation);
    if ("refusal" in seen) return over(run, { state: "failed", message: seen.refusal });
    return "waiting" in seen ? wait(situation, { writes: [], waiting: seen.waiting }, now) : proceed(seen.run);
  }
  const outage = findOutage(situation);
  if (outage) return fail(run, strategy, outage, now);
  const foreign = findForeign(situation);
  if (foreign) {
    const { run: stopped, events } = held(run, "foreign-change", foreign, now);
    return { ...stand(stopped, events), writes: unpinLost(situation)?.writes ?? [] };
  }
  const freed = letGo(situation);
  if (freed) return { ...proceed(freed), events: [{ kind: "resumed", message: "What held it is over." }] };
  if (run.hold) return { ...stand(run, []), writes: holdUpdate(situation) };
  const wanted = arrangementOf(run);
  const noted = { ...situation, run: note(wanted, situation) };
  const open = reconcile(wanted, noted);
  if (open) return wait(noted, open, now);
  return finishStep({ ...noted, run: { ...noted.run, progress: null } }, strategy, now);
}

/** Once stable has the new template, a return to the one before is somebody else's change. */
function note(wanted: Arrangement, { run, target, world }: Situation): RolloutRun {
  const digest = digestTemplate(world.stable.spec.template);
  if (wanted.template !== "target" || digest !== digestTemplate(target.template)) return run;
  return { ...run, seen: { ...run.seen, stable: digest } };
}

/** The step's own wait is left: a pause, an analysis, an autoscaler that moves. */
function finishStep({ run, world }: Situation, strategy: Strategy, now: Date): Advance {
  const step = run.steps[run.index];
  if (!step) return over(run, { state: "complete", message: describeComplete(world.stable) });
  if (step.kind === "pause" && run.promoted !== run.index && !run.skips) {
    if (step.seconds === null) return stay(run, "paused", "Waits until it is promoted.");
    const endsAt = new Date(Date.parse(run.stepStartedAt) + step.seconds * 1000);
    if (now < endsAt) return stay(run, "progressing", `Pauses until ${endsAt.toISOString().slice(11, 19)} UTC.`);
  }
  const ending = endingAnalysis(run);
  if (ending) {
    const { outcome, message } = judgeAnalysis(ending.settings, ending.state, step.kind !== "analysis");
    if (outcome === "running") return stay(run, "progressing", describeMeasuring(ending));
    if (outcome === "passed") return { ...proceed(endAnalysis(run, ending)), events: [{ kind: "analysis", message }] };
    if (outcome !== "inconclusive") return fail(run, strategy, message, now);
    const { run: stopped, events } = held(run, outcome, message, now);
    return stand(stopped, events);
  }
  const { autoscaler } = world;
  const isBefore = step.kind === "candidate" || step.kind === "weight" || step.kind === "pause";
  if (isBefore && autoscaler?.movement && world.stable.spec.replicas !== 0) {
    const { run: stopped, events } = held(run, "autoscaler", autoscaler.movement, now);
    return stand(stopped, events);
  }
  return nextStep(run, strategy, now);
}

function nextStep(run: RolloutRun, strategy: Strategy, now: Date): Advance {
  const done = run.steps[run.index];
  const next = run.steps[run.index + 1];
  const at = now.toISOString();
  const isSkipped = run.skips && (next?.kind === "pause" || next?.kind === "analysis");
  const history = next ? [...run.history, { startedAt: at, isSkipped }] : run.history;
  const events: RunEvent[] = [];
  if (done?.kind === "weight") {
    // Whole instances seldom come to just the share that is wanted.
    const percent = run.by === "replicas" ? run.weight : done.percent;
    events.push({ kind: "traffic", message: `${percent} % of the traffic goes to the candidate.` });
  }
  if (done?.kind === "switch")
    events.push({ kind: "traffic", message: `All traffic goes to ${done.to === "stable" ? "stable" : "the candidate"}.` });
  if (next && !isSkipped) events.push({ kind: "step", message: `${describeStep(next)}.` });
  const moved = { ...run, index: run.index + 1, stepStartedAt: at, history, promoted: null };
  return { ...proceed(beginAnalyses(moved, strategy, now)), events };
}

/** Stable is restored and everything else removed; then it has ended. So it has, too, when nothing of that can be done any more. */
function goBack(situation: Situation, now: Date): Advance {
  const { run, strategy, world } = situation;
  const { message } = run.abort ?? { message: "" };
  const progress = takeProgress(situation, now);
  const forMs = now.getTime() - Date.parse(progress.since);
  const lapsed = Math.floor(forMs / (strategy.progressDeadlineSeconds * 1000));
  const open = restore(situation, lapsed);
  if (!open) return over(run, { state: "aborted", message }, "Stable serves as before; nothing of the rollout is left.");
  if (lapsed > 1 && open.writes.length === 0) {
    const share = routeShareOf(run, world.route);
    const divided = share ? `, and ${share} % of the route lead to it` : "";
    const left = hasCandidate(world) ? ` The Deployment ${world.candidate?.metadata.name} is left${divided}.` : "";
    const why = `The way back is left as it is, without progress for ${formatDuration(forMs)}: ${open.waiting}${left}`;
    return over(run, { state: "failed", message: `${sentence(message, null)} ${why}` });
  }
  return {
    run: { ...run, progress },
    writes: open.writes,
    events: [],
    state: "progressing",
    message: `Goes back. ${open.waiting}`,
    moved: false,
    end: null,
  };
}

/** Waits for the cluster, for as long as something moves within the deadline. */
function wait({ run, strategy, world }: Situation, open: Open, now: Date): Advance {
  const { writes, waiting, isPaused = false } = open;
  const progress = takeProgress({ run: isPaused ? { ...run, progress: null } : run, world }, now);
  const forMs = now.getTime() - Date.parse(progress.since);
  const waited = { ...run, progress };
  if (forMs <= strategy.progressDeadlineSeconds * 1000) {
    const state = isPaused ? "paused" : "progressing";
    return { run: waited, writes, events: [], state, message: waiting, moved: false, end: null };
  }
  const message = `No progress for ${formatDuration(forMs)}: ${waiting}`;
  return fail(waited, strategy, message, now);
}

function describeMeasuring({ name, settings, state }: RunAnalysis): string {
  const wanted = settings.count === null ? "" : ` of ${settings.count}`;
  return `The ${name} analysis has ${state.taken}${wanted} measurements.`;
}

function describeComplete(stable: Workload): string {
  const { desired } = countReplicas(stable);
  return `All ${desired} instances run the new version.`;
}

/** On to the next pass at once. */
function proceed(run: RolloutRun): Advance {
  const step = run.steps[run.index];
  return { ...stay(run, "progressing", step ? `${describeStep(step)}.` : "All steps are done."), moved: true };
}

function stay(run: RolloutRun, state: Advance["state"], message: string): Advance {
  return { run, writes: [], events: [], state, message, moved: false, end: null };
}

function stand(run: RolloutRun, events: RunEvent[]): Advance {
  return { ...stay({ ...run, progress: null }, "paused", run.hold?.message ?? ""), events };
}

function over(run: RolloutRun, end: RunEnd, ended = end.message): Advance {
  return { ...stay(run, "progressing", end.message), events: [{ kind: "ended", message: ended }], end };
}

/**
 * Gives up. What gave it up is kept before anything is written for the way back. One that is not to go back by itself stops where it
 * is: a person decides.
 */
function fail(run: RolloutRun, strategy: Strategy, message: string, now: Date): Advance {
  if (strategy.kind === "rolling" && !strategy.rollbackOnFailure) {
    const { run: stopped, events } = held({ ...endAnalyses(run), hold: null }, "failed", message, now);
    return stand(stopped, events);
  }
  const stopped = giveUp(run, { message, by: "Switchyard" }, now);
  return { ...proceed(stopped), message, events: [{ kind: "aborted", message }] };
}

/** The run on its way back: nothing is measured, held or promoted any more. */
export function giveUp(run: RolloutRun, { message, by }: { message: string; by: string }, now: Date): RolloutRun {
  return { ...endAnalyses(run), hold: null, promoted: null, progress: null, abort: { message, by, at: now.toISOString() } };
}
