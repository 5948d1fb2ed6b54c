import { DomainError } from "../errors.ts";
import { type Clock, type ClockTime, refuseClock } from "./clock.ts";

/** Throws invalid-input for times that cannot be; `fields` names where the person gave each, and what is not there was given as `at`. */
export function refuseTimes(clock: Clock, now: Date, fields: Partial<Record<ClockTime, string>>): void {
  const problems = refuseClock(clock, now);
  if (!problems) return;
  const named: Record<string, string[]> = {};
  for (const [name, messages] of Object.entries(problems) as [ClockTime, string[]][]) {
    const field = fields[name] ?? "at";
    named[field] = [...(named[field] ?? []), ...messages];
  }
  throw new DomainError("invalid-input", Object.values(named).flat().join(" "), { fields: named });
}

/** Throws invalid-input for a time in the future, by the field in which it was given. */
export function refuseFuture(field: string, at: Date, now: Date): void {
  if (at <= now) return;
  const message = "This lies in the future.";
  throw new DomainError("invalid-input", message, { fields: { [field]: [message] } });
}
