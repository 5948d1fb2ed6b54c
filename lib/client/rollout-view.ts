import { formatDuration } from "#lib/domain/duration.ts";
import type { MeasurementView, RolloutDetail, RolloutEventKind, RolloutView, StepView } from "#lib/domain/rollouts/schemas.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import type { RolloutCommand } from "./rollouts.ts";

/** How a rollout is carried out, as a word. */
export function strategyName(strategy: RolloutView["strategy"] | "none"): string {
  switch (strategy) {
    case "canary":
      return "Canary";
    case "blue-green":
      return "Blue-green";
    case "rolling":
      return "Rolling";
    case "none":
    case null:
      return "At once";
  }
}

/** A plan in a line: "10 % → 50 % → 100 %". */
export function planWords(plan: Strategy): string {
  switch (plan.kind) {
    case "canary": {
      const weights = plan.steps.map(({ weight }) => weight);
      return [...weights, ...(weights.at(-1) === 100 ? [] : [100])].map((weight) => `${weight} %`).join(" → ");
    }
    case "blue-green":
      return `${plan.waitForPromotion ? "switched by a person" : "switches by itself"}, old instances stay ${formatDuration(plan.scaleDownDelaySeconds * 1000)}`;
    case "rolling":
      return plan.pauseAfter === null
        ? "instance after instance"
        : `pauses after ${plan.pauseAfter} ${plan.pauseAfter === 1 ? "instance" : "instances"}`;
  }
}

/** The measurements of each metric, oldest first; metrics in the order in which they were first measured. */
export function byMetric(measurements: readonly MeasurementView[]): [string, MeasurementView[]][] {
  const groups = new Map<string, MeasurementView[]>();
  for (const measurement of [...measurements].sort((a, b) => a.at.localeCompare(b.at))) {
    const group = groups.get(measurement.metric);
    if (group) group.push(measurement);
    else groups.set(measurement.metric, [measurement]);
  }
  return [...groups];
}

/** How much of a step's time is over, 0 to 1; null for one that has no end of its own. */
export function stepShare({ startedAt, endsAt }: Pick<StepView, "startedAt" | "endsAt">, now: number): number | null {
  if (startedAt === null || endsAt === null) return null;
  const length = Date.parse(endsAt) - Date.parse(startedAt);
  return length <= 0 ? 1 : Math.min(1, Math.max(0, (now - Date.parse(startedAt)) / length));
}

/** "2 m 5 s left", and "due now" once the time is over. */
export function timeLeft(endsAt: string, now: number): string {
  const left = Date.parse(endsAt) - now;
  return left < 1000 ? "due now" : `${formatDuration(left)} left`;
}

/** What a budget still bears, and what the next bad measurement does when that is nothing. */
export function budgetWords({ left, of }: { left: number; of: number }): string {
  return left > 0 ? `bears ${left} more bad of ${of}` : "the next bad one aborts";
}

/** The step that is carried out now; null before the first and after the last. */
export const currentStep = ({ steps }: Pick<RolloutDetail, "steps">): StepView | null =>
  steps.find((step) => step.state === "current") ?? null;

export const eventNames: Record<RolloutEventKind, string> = {
  queued: "Queued",
  started: "Started",
  step: "Step",
  traffic: "Traffic",
  paused: "Paused",
  resumed: "Resumed",
  absent: "Not looked after",
  promoted: "Promoted",
  skipped: "Skipped",
  retried: "Retried",
  "foreign-change": "Foreign change",
  analysis: "Analysis",
  aborted: "Aborted",
  check: "Check",
  ended: "Ended",
};

/** A command as its button says it. */
export const commandNames: Record<RolloutCommand, string> = {
  promote: "Promote",
  skip: "Skip to the end",
  abort: "Abort",
  retry: "Retry",
  pause: "Pause",
  resume: "Resume",
};

/** A command with its object, for the dialog and its button: "Abort the rollout of relay". */
export function commandSentence(command: RolloutCommand, service: string): string {
  return command === "skip"
    ? `Skip to the end of the rollout of ${service}`
    : `${commandNames[command]} the rollout of ${service}`;
}

/** What a command will do, and what it leaves as it is; said before it is sent. */
export function commandEffects(command: RolloutCommand, rollout: RolloutDetail): { does: string[]; leaves: string } {
  const step = currentStep(rollout);
  const next = rollout.steps[rollout.steps.findIndex(({ state }) => state === "current") + 1];
  const candidate = rollout.share && rollout.share.candidate > 0 ? rollout.share : null;
  switch (command) {
    case "promote":
      return {
        does: [
          step ? `Ends the step “${step.title}” now, whatever time it has left.` : "Ends the present pause.",
          next ? `Next: ${next.title}.` : "Nothing comes after it.",
        ],
        leaves: "The analysis goes on, and aborts the rollout as before when it fails.",
      };
    case "skip":
      return {
        does: [
          rollout.strategy === "canary"
            ? "Leaves out every weight, pause and analysis that is still to come."
            : "Leaves out every pause and analysis that is still to come.",
          "The service takes the new template.",
        ],
        leaves: "From then on nothing is measured: only a person can stop it.",
      };
    case "abort":
      return {
        does: [
          candidate ? `The ${candidate.candidate} % of the traffic that the candidate gets go back to stable first.` : "",
          "The service goes back to the template and the number of instances that it had before.",
          "What was made for the rollout is removed once stable is available.",
        ].filter((line) => line !== ""),
        leaves: "It can be retried from its first step.",
      };
    case "retry":
      return {
        does: [`Begins again at the first step${rollout.steps[0] ? `: ${rollout.steps[0].title}` : ""}.`],
        leaves: "What was measured before is kept; nothing of it counts for the new attempt.",
      };
    case "pause":
      return {
        does: [
          step ? `Stands still at “${step.title}” until somebody resumes it.` : "Stands still until somebody resumes it.",
          ...(candidate ? [`The candidate keeps its ${candidate.candidate} % of the traffic.`] : []),
        ],
        leaves: "Instances and traffic stay as they are.",
      };
    case "resume":
      return {
        does: [step ? `Goes on with “${step.title}”.` : "Goes on."],
        leaves:
          rollout.hold?.cause === "foreign-change"
            ? "What somebody changed in stable is written over; a candidate that was changed goes on as it is."
            : rollout.hold?.cause === "failed"
              ? "What failed is not measured again: from then on only a person can stop it."
              : "Instances and traffic stay as they are until the next step.",
      };
  }
}
