import type { IncidentCalendar } from "#lib/domain/incidents/trends/schemas.ts";

type Start = IncidentCalendar["starts"][number];

/** A day in the viewer's zone with the incidents whose impact began on it, the worst first; null where that is not known. */
export type CalendarDay = { date: string; incidents: Start[] | null };

/**
 * The last `days` days until `now` in whole weeks, Monday first; the days of the first and last week that lie outside are null. Of
 * days before `knownFrom` not all incidents are known.
 */
export function calendarOf(
  { starts, knownFrom }: IncidentCalendar,
  { now, days }: { now: number; days: number },
): (CalendarDay | null)[][] {
  const byDay = Map.groupBy(starts, ({ at }) => dayOf(new Date(at)));
  const today = new Date(now);
  const first = new Date(today.getFullYear(), today.getMonth(), today.getDate() - days + 1);
  const before = (first.getDay() + 6) % 7;
  const weeks = Math.ceil((before + days) / 7);
  const firstKnown = knownFrom === null ? null : dayOf(new Date(knownFrom));
  return Array.from({ length: weeks }, (_, week) =>
    Array.from({ length: 7 }, (_, weekday) => {
      const offset = week * 7 + weekday - before;
      if (offset < 0 || offset >= days) return null;
      const date = dayOf(new Date(first.getFullYear(), first.getMonth(), first.getDate() + offset));
      const isKnown = firstKnown === null || date > firstKnown;
      return { date, incidents: isKnown ? (byDay.get(date) ?? []).toSorted(worstFirst) : null };
    }),
  );
}

const worstFirst = (a: Start, b: Start) => a.severity.localeCompare(b.severity) || b.at.localeCompare(a.at);
const two = (value: number) => String(value).padStart(2, "0");
const dayOf = (date: Date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
