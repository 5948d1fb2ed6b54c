import { DomainError } from "../errors.ts";
import { maxSilenceDays, minSilenceSeconds } from "./silences-schemas.ts";

const dayMs = 86_400_000;

export type PeriodInput = { startsAt?: string; endsAt?: string; durationMinutes?: number };

/**
 * From when to when a silence lasts: `endsAt`, or `durationMinutes` from its beginning. Throws invalid-input for one that is over,
 * shorter than a minute or longer than 30 days.
 */
export function silencePeriod({ startsAt, endsAt, durationMinutes }: PeriodInput, now: Date): { startsAt: Date; endsAt: Date } {
  if ((endsAt === undefined) === (durationMinutes === undefined)) {
    throw invalid("endsAt", "Give either how long it lasts or when it ends.");
  }
  const wanted = startsAt ? new Date(startsAt) : now;
  // Alertmanager takes no beginning in the past.
  const begins = wanted < now ? now : wanted;
  const ends = endsAt ? new Date(endsAt) : new Date(begins.getTime() + (durationMinutes ?? 0) * 60_000);
  const field = endsAt ? "endsAt" : "durationMinutes";
  const lengthMs = ends.getTime() - begins.getTime();
  if (ends <= now) throw invalid(field, "It would be over already; give a later end.");
  if (lengthMs < minSilenceSeconds * 1000) throw invalid(field, "A silence lasts at least 1 minute from its beginning.");
  if (lengthMs > maxSilenceDays * dayMs) {
    throw invalid(
      field,
      `A silence lasts at most ${maxSilenceDays} days, so that none is forgotten; extend it when it is about to end.`,
    );
  }
  if (begins.getTime() - now.getTime() > maxSilenceDays * dayMs) {
    throw invalid("startsAt", `A silence begins within ${maxSilenceDays} days.`);
  }
  return { startsAt: begins, endsAt: ends };
}

function invalid(field: string, message: string): DomainError {
  return new DomainError("invalid-input", message, { fields: { [field]: [message] } });
}
