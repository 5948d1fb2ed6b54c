import type { Severity } from "../schemas.ts";
import type { StoredIncident } from "../stored.ts";

/** An open incident as far as it matters here. */
export type OpenIncident = Pick<StoredIncident, "id" | "severity" | "step" | "acknowledgedAt">;

/** Where something belongs that a rule names: to an incident that is open, whose severity it may raise, or to one of its own. */
export type Place<T extends OpenIncident> =
  | { kind: "joins"; incident: T; isRaised: boolean }
  | { kind: "opens"; related: readonly T[] };

/**
 * Where something of a severity belongs, given the open incidents of its service, the latest first. It joins one that is as severe, or
 * one that nobody has taken yet, which it raises. One that people have taken as something lesser would hide it: it opens its own, but not
 * for what only counts the harm that this one has measured (`counting`, ids): who is at it knows of that.
 */
export function placeTrigger<T extends OpenIncident>(
  severity: Severity,
  open: readonly T[],
  counting: readonly string[] = [],
): Place<T> {
  const asSevere = open.find((incident) => incident.severity <= severity);
  if (asSevere) return { kind: "joins", incident: asSevere, isRaised: false };
  const awaited = open.find(isAwaited);
  if (awaited) return { kind: "joins", incident: awaited, isRaised: true };
  const counted = open.find(({ id }) => counting.includes(id));
  if (counted) return { kind: "joins", incident: counted, isRaised: false };
  return { kind: "opens", related: open };
}

/** Whether nobody has taken it yet; what was mitigated without an acknowledgement has been taken, too. */
export function isAwaited({ step, acknowledgedAt }: Omit<OpenIncident, "id" | "severity">): boolean {
  return acknowledgedAt === null && step === "detect";
}
