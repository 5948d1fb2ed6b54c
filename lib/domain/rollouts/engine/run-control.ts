import type { RolloutCommands, RolloutEventKind, RolloutState } from "../schemas.ts";
import { giveUp } from "./advance.ts";
import { candidateOfLabel, type RolloutRun } from "./run.ts";
import { endAnalyses, excuseAnalyses } from "./run-analyses.ts";
import { digestTemplate } from "./template-digest.ts";
import type { World } from "./world.ts";

export type RunCommand = keyof RolloutCommands;

/** What may be done with a rollout now: null, or why not, a sentence each. */
export function allowedCommands(state: RolloutState, run: RolloutRun | null): RolloutCommands {
  if (state === "queued") return { ...all("It has not begun yet."), abort: null };
  if (state === "aborted") return { ...all("It was aborted."), retry: null };
  if (!run || (state !== "progressing" && state !== "paused")) {
    return { ...all("It is over."), retry: "Only an aborted rollout can be retried." };
  }
  if (run.abort) return all("It goes back to stable already.");
  return {
    promote: whyNoPromotion(run),
    skip: whyNoSkip(run),
    abort: null,
    retry: "It is still under way.",
    pause: run.hold && run.hold.cause !== "autoscaler" ? "It is held already." : null,
    resume: whyNoResume(run),
  };
}

function all(reason: string): RolloutCommands {
  return { promote: reason, skip: reason, abort: reason, retry: reason, pause: reason, resume: reason };
}

function whyNoPromotion({ steps, index, hold, promoted }: RolloutRun): string | null {
  if (hold && hold.cause !== "autoscaler") return "It is held; resume it first.";
  const step = steps[index];
  const waits = step?.kind === "pause" || (step?.kind === "update" && step.pauseAfter !== null);
  if (!waits) return "It is not at a pause.";
  return promoted === index ? "It is promoted already." : null;
}

function whyNoSkip({ steps, index, hold, skips, promoted }: RolloutRun): string | null {
  if (hold?.cause === "foreign-change") return "A foreign change has to be decided on first: resume, or abort.";
  if (skips) return "It goes to its end already.";
  const left = steps.slice(index).some(({ kind }) => kind === "pause" || kind === "analysis" || kind === "weight");
  const step = steps[index];
  const isRolling = step?.kind === "update" && step.pauseAfter !== null && promoted !== index;
  return left || isRolling ? null : "No pause and no analysis is left.";
}

function whyNoResume({ hold }: RolloutRun): string | null {
  if (!hold) return "It is not held.";
  return hold.cause === "autoscaler" ? "It goes on by itself when the autoscaler stands still." : null;
}

/** Who asks for what, when, and how the templates are then: who resumes over a foreign change has seen it. */
export type Order = { by: string; reason: string; now: Date; world: Pick<World, "stable" | "candidate"> };

type Ordered = { run: RolloutRun; event: { kind: RolloutEventKind; message: string } };

/** The run after a command that is allowed; all but retry, which begins a new one. */
export function orderRun(run: RolloutRun, command: Exclude<RunCommand, "retry">, { by, reason, now, world }: Order): Ordered {
  const because = `${by}: ${reason}`;
  switch (command) {
    case "promote":
      return { run: { ...run, promoted: run.index }, event: { kind: "promoted", message: `Promoted by ${because}` } };
    case "skip":
      return { run: skipToEnd(run, now), event: { kind: "skipped", message: `Skipped to the end by ${because}` } };
    case "abort": {
      const message = `Aborted by ${because}`;
      return { run: giveUp(run, { message, by }, now), event: { kind: "aborted", message } };
    }
    case "pause": {
      const message = `Paused by ${because}`;
      const hold = { cause: "person", message, since: now.toISOString() } as const;
      return { run: { ...run, hold }, event: { kind: "paused", message } };
    }
    case "resume":
      return { run: release(run, world), event: { kind: "resumed", message: `Resumed by ${because}` } };
  }
}

function release(run: RolloutRun, { stable, candidate }: Order["world"]): RolloutRun {
  const free = { ...run, hold: null };
  if (run.hold?.cause === "inconclusive") return excuseAnalyses(free);
  if (run.hold?.cause !== "foreign-change" || !stable) return free;
  const isCandidate = candidate?.metadata.labels?.[candidateOfLabel] === stable.metadata.name;
  const seen = {
    stable: digestTemplate(stable.spec.template),
    candidate: candidate && isCandidate ? digestTemplate(candidate.spec.template) : run.seen.candidate,
  };
  return { ...free, seen };
}

/** A canary's further weights are left out too; a switch of colours is carried out all the same. */
function skipToEnd(run: RolloutRun, now: Date): RolloutRun {
  const { steps, index, history } = run;
  const at = now.toISOString();
  const ended = { ...endAnalyses(run), hold: null, skips: true };
  const update = steps.findIndex(({ kind }) => kind === "update");
  const isCanary = steps.some(({ kind }) => kind === "weight");
  if (!isCanary || index >= update) return ended;
  const leftOut = steps.slice(index + 1, update).map(() => ({ startedAt: at, isSkipped: true }));
  return {
    ...ended,
    index: update,
    stepStartedAt: at,
    history: [...history, ...leftOut, { startedAt: at, isSkipped: false }],
    progress: null,
  };
}
