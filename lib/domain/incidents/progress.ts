import { type Clock, refuseClock } from "./clock.ts";
import type { IncidentCommand, IncidentCommands } from "./schemas.ts";
import type { Step } from "./steps.ts";

/** Where an incident stands: the step that is under way, its times, and whether a postmortem is wanted before its end. */
export type Standing = { step: Step | "done"; clock: Clock; needsPostmortem: boolean };

/** What may be done now: null, or why not, in a sentence. Whoever goes further than the next step has done those between. */
export function allowedCommands({ step, clock, needsPostmortem }: Standing): IncidentCommands {
  const isResolved = clock.resolvedAt !== null;
  const resolved = isResolved ? "It is resolved." : null;
  return {
    acknowledge: resolved ?? acknowledgeable(clock),
    assess: resolved ?? (step === "detect" || step === "assess" ? null : "It is assessed already."),
    mitigate: resolved ?? (step === "resolve" ? "It is mitigated already." : null),
    resolve: isResolved ? "It is resolved already." : null,
    reopen: isResolved || step === "resolve" ? null : "Nothing of it is over yet.",
    document: documentable(step, isResolved, needsPostmortem),
  };
}

function acknowledgeable({ acknowledgedAt, mitigatedAt }: Clock): string | null {
  if (acknowledgedAt !== null) return "It is acknowledged already.";
  return mitigatedAt === null
    ? null
    : "It was mitigated before anybody acknowledged it: that time stays unknown unless it is edited.";
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

/** When it was so, null for now; whether a person gives the command; and since when its services are measured to be good. */
export type Given = { at: Date | null; isPerson: boolean; recoveredAt?: Date | null };

/**
 * Where an incident stands after a command that is allowed. A person who brings it further now acknowledges it with that; one who tells
 * of a time in the past does not, so that nobody's looking at it is put before it was. A mitigation that nobody told before it is resolved
 * is the recovery that was measured, where it lies between the other times; else it stays unknown. What is reopened is neither mitigated
 * nor resolved.
 */
export function advance(
  { step, clock }: Standing,
  command: IncidentCommand,
  { at, isPerson, recoveredAt = null }: Given,
  now: Date,
): Pick<Standing, "step" | "clock"> {
  const next = command === "acknowledge" && step !== "detect" ? step : stepAfter[command];
  const when = (at ?? latest(now, clock)).toISOString();
  const isTaken = isPerson && at === null;
  const acknowledged: Clock = { ...clock, acknowledgedAt: clock.acknowledgedAt ?? (isTaken ? when : null) };
  switch (command) {
    case "acknowledge":
      return { step: next, clock: { ...clock, acknowledgedAt: when } };
    case "assess":
      return { step: next, clock: acknowledged };
    case "mitigate":
      return { step: next, clock: { ...acknowledged, mitigatedAt: when } };
    case "resolve":
      return { step: next, clock: resolvedClock({ clock, acknowledged, when, recoveredAt }) };
    case "reopen":
      return { step: next, clock: { ...acknowledged, mitigatedAt: null, resolvedAt: null } };
    case "document":
      return { step: next, clock };
  }
}

type Resolving = { clock: Clock; acknowledged: Clock; when: string; recoveredAt: Date | null };

function resolvedClock({ clock, acknowledged, when, recoveredAt }: Resolving): Clock {
  const resolved = { ...acknowledged, resolvedAt: when };
  if (clock.mitigatedAt !== null) return { ...clock, resolvedAt: when };
  if (recoveredAt === null) return resolved;
  const measured = { ...resolved, mitigatedAt: recoveredAt.toISOString() };
  return refuseClock(measured, new Date(when)) === null ? measured : resolved;
}

/** Whether people are to be told again: its harm goes on, and nobody has acknowledged it. */
export function isUnattended(times: { [name in "acknowledgedAt" | "mitigatedAt" | "resolvedAt"]: unknown }): boolean {
  return times.acknowledgedAt === null && times.mitigatedAt === null && times.resolvedAt === null;
}

/** Another process's clock may be ahead of this one's: what is done now is done after all that is known. */
export function latest(now: Date, clock: Omit<Clock, "resolvedAt">): Date {
  const times = [clock.impactStartedAt, clock.detectedAt, clock.acknowledgedAt, clock.mitigatedAt].flatMap((time) =>
    time === null ? [] : [Date.parse(time)],
  );
  return new Date(Math.max(now.getTime(), ...times));
}
