import { judgeAnalysis } from "../analysis/verdict.ts";
import type { RolloutEventKind } from "../schemas.ts";
import { candidateTemplate } from "./candidate.ts";
import { candidateOfLabel, type Hold, type RolloutRun, rolloutAnnotation } from "./run.ts";
import type { Situation } from "./situation.ts";
import { digestTemplate } from "./template-digest.ts";

/** Stops a run; one that is held already stays so for the reason it has. */
export function held(
  run: RolloutRun,
  cause: Hold["cause"],
  message: string,
  now: Date,
): { run: RolloutRun; events: { kind: RolloutEventKind; message: string }[] } {
  if (run.hold) return { run, events: [] };
  const kind = cause === "foreign-change" ? cause : "paused";
  return { run: { ...run, hold: { cause, message, since: now.toISOString() } }, events: [{ kind, message }] };
}

/** The run without its hold when the cause is over by itself; else null. Nobody's template differs any more when this is asked. */
export function letGo({ run, world }: Situation): RolloutRun | null {
  const free = { ...run, hold: null };
  switch (run.hold?.cause) {
    case "foreign-change":
      return free;
    case "autoscaler":
      return world.autoscaler?.movement ? null : free;
    case "inconclusive":
      return run.analyses.every((one) => one.isOver || judgeAnalysis(one.settings, one.state, true).outcome === "passed")
        ? free
        : null;
    default:
      return null;
  }
}

/** What somebody else did to a template of the rollout, as a sentence; null when nobody did. */
export function findForeign({ rolloutId, run, target, world: { stable, candidate } }: Situation): string | null {
  const service = stable.metadata.name;
  if (![run.seen.stable, digestTemplate(target.template)].includes(digestTemplate(stable.spec.template))) {
    return `Somebody else changed the template of ${service}. Resume to go on over that change, or abort.`;
  }
  if (!candidate) return null;
  const { name, labels, annotations } = candidate.metadata;
  if (labels?.[candidateOfLabel] !== service) {
    return `There is a Deployment ${name} that Switchyard did not make. Remove it, or abort.`;
  }
  // One of an earlier rollout is removed, whatever it has.
  if (annotations?.[rolloutAnnotation] !== rolloutId) return null;
  const expected = [run.seen.candidate, digestTemplate(candidateTemplate(target.template, service))];
  if (expected.includes(digestTemplate(candidate.spec.template))) return null;
  return `Somebody else changed the template of ${name}. Resume to go on with it as it is, or abort.`;
}
