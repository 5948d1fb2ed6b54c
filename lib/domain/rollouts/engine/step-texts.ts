import { formatDuration } from "../../duration.ts";
import type { Step } from "./run.ts";

/** A step in a few words, as the timeline and the events have it. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "candidate":
      return step.replicas === null ? "Candidate as large as stable" : `Candidate with ${instances(step.replicas)}`;
    case "weight":
      return `${step.percent} % of the traffic to the candidate`;
    case "pause":
      return step.seconds === null ? "Pause until promoted" : `Pause of ${formatDuration(step.seconds * 1000)}`;
    case "analysis":
      return step.name === "pre-promotion" ? "Analysis before the switch" : "Analysis after the switch";
    case "switch":
      return step.to === "candidate" ? "Switch to the candidate" : "Switch to stable";
    case "update":
      return step.pauseAfter === null ? "Update stable" : `Update stable, pause after ${instances(step.pauseAfter)}`;
    case "clean":
      return "Clean up";
  }
}

function instances(count: number): string {
  return `${count} ${count === 1 ? "instance" : "instances"}`;
}
