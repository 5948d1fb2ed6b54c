import type { Clock } from "./clock.ts";
import type { IncidentCommand, IncidentCommands } from "./schemas.ts";
import type { Step } from "./steps.ts";

/** Where an incident stands: the step that is under way, its times, and whether a postmortem is wanted before its end. */
export type Standing = { step: Step | "done"; clock: Clock; needsPostmortem: boolean };

/** What may be done now: null, or why not, in a sentence. Whoever goes further than the next step has done those between. */
export function allowedCommands({ step, clock, needsPostmortem }: Standing): IncidentCommands {
  const isResolved = clock.resolvedAt !== null;
  const resolved = isResolved ? "It is resolved." : null;
  return {
    acknowledge: resolved ?? (step === "detect" ? null : "It is acknowledged already."),
    assess: resolved ?? (step === "detect" || step === "assess" ? null : "It is assessed already."),
    mitigate: resolved ?? (step === "resolve" ? "It is mitigated already." : null),
    resolve: isResolved ? "It is resolved already." : null,
    reopen: isResolved || step === "resolve" ? null : "Nothing of it is over yet.",
    document: documentable(step, isResolved, needsPostmortem),
  };
}

function documentable(step: Standing["step"], isResolved: boolean, needsPostmortem: boolean): string | null {
  if (!isResolved) return "Resolve it first.";
  if (step === "done") return "It is documented already.";
  return needsPostmortem ? "Publish its postmortem first: P1 and P2 need one." : null;
}

const stepAfter: Record<IncidentCommand, Standing["step"]> = {
  acknowledge: "assess",
  assess: "mitigate",
  mitigate: "resolve",
  resolve: "document",
  reopen: "mitigate",
  document: "done",
};

/**
 * Where an incident stands after a command that is allowed. `at` is when it was so, null for now. Who brings it further has
 * acknowledged it; a mitigation that nobody told stays unknown. What is reopened is neither mitigated nor resolved.
 */
export function advance(
  { clock }: Standing,
  command: IncidentCommand,
  at: Date | null,
  now: Date,
): Pick<Standing, "step" | "clock"> {
  const step = stepAfter[command];
  if (command === "document") return { step, clock };
  if (command === "reopen") return { step, clock: { ...clock, mitigatedAt: null, resolvedAt: null } };
  const when = (at ?? latest(now, clock)).toISOString();
  const acknowledgedAt = clock.acknowledgedAt ?? earlier(when, clock.mitigatedAt);
  switch (command) {
    case "mitigate":
      return { step, clock: { ...clock, acknowledgedAt, mitigatedAt: when } };
    case "resolve":
      return { step, clock: { ...clock, acknowledgedAt, resolvedAt: when } };
    default:
      return { step, clock: { ...clock, acknowledgedAt } };
  }
}

/** Another process's clock may be ahead of this one's: what is done now is done after all that is known. */
export function latest(now: Date, { impactStartedAt, detectedAt, acknowledgedAt, mitigatedAt }: Clock): Date {
  const times = [impactStartedAt, detectedAt, acknowledgedAt, mitigatedAt].flatMap((time) =>
    time === null ? [] : [Date.parse(time)],
  );
  return new Date(Math.max(now.getTime(), ...times));
}

function earlier(time: string, other: string | null): string {
  return other !== null && Date.parse(other) < Date.parse(time) ? other : time;
}
