import type { RolloutRun, Step } from "./run.ts";

/** How the cluster is to be while a step is carried out: every pass makes it so again. */
export type Arrangement = {
  /** Instances of the candidate; stable: as many as that has; null: there is none. */
  candidate: number | "stable" | null;
  /** Whose instances the Service selects; any: as before the rollout. */
  selector: "any" | "stable" | "candidate";
  /** Percent of the route's traffic for the candidate; null: the route is as before. */
  percent: number | null;
  template: "before" | "target";
  /** Instances of stable; null: not the rollout's to say. */
  replicas: number | null;
  /** Stable stands still when so many instances are updated; null: never. */
  pauseAfter: number | null;
};

const initial: Arrangement = {
  candidate: null,
  selector: "any",
  percent: null,
  template: "before",
  replicas: null,
  pauseAfter: null,
};

/** What all steps up to the present one add up to. */
export function arrangementOf(
  run: Pick<RolloutRun, "steps" | "index" | "history" | "by" | "before" | "promoted" | "skips">,
): Arrangement {
  const { steps, index, history, promoted, skips } = run;
  const taken = steps.filter((_, step) => step <= index && !history[step]?.isSkipped);
  const wanted = taken.reduce((arranged, step) => addStep(arranged, step, run), initial);
  return skips || promoted === index || steps[index]?.kind !== "update" ? { ...wanted, pauseAfter: null } : wanted;
}

function addStep(arranged: Arrangement, step: Step, run: Pick<RolloutRun, "by" | "before">): Arrangement {
  const { by, before } = run;
  switch (step.kind) {
    case "candidate": {
      const isPinned = by === "route" || by === "selector";
      const selector = isPinned && arranged.selector === "any" ? "stable" : arranged.selector;
      return { ...arranged, candidate: step.replicas ?? "stable", selector };
    }
    case "weight": {
      if (by === "route") return { ...arranged, percent: step.percent };
      const beside = typeof arranged.candidate === "number" ? arranged.candidate : 0;
      return { ...arranged, replicas: Math.max(0, before.replicas - beside) };
    }
    case "switch":
      return { ...arranged, selector: step.to };
    case "update":
      return { ...addUpdate(arranged, run), template: "target", pauseAfter: step.pauseAfter };
    case "clean":
      return { ...arranged, candidate: null, selector: "any", percent: null };
    case "pause":
    case "analysis":
      return arranged;
  }
}

/**
 * While stable is replaced, a candidate with all of the traffic keeps it: by the selector, which holds for every port. One with
 * less is too small for more, so that then all instances share the traffic.
 */
function addUpdate(arranged: Arrangement, { by, before }: Pick<RolloutRun, "by" | "before">): Arrangement {
  if (by === "replicas") return { ...arranged, replicas: before.replicas };
  if (by !== "route") return arranged;
  return { ...arranged, percent: null, selector: arranged.percent === 100 ? "candidate" : "any" };
}
