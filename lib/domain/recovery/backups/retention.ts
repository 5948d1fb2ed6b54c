import type { Retention } from "./schemas.ts";

/** A good backup, as retention looks at it. */
export type Kept = { id: string; takenAt: Date; isPinned: boolean; isSafetyCopy: boolean };

type Rule = { name: string; count: number; periodOf: ((local: Local) => string) | null };
type Local = { year: number; month: number; day: number; weekday: number };

/**
 * Why each backup stays, in words; one without a reason is let go of. Rules are ORed as restic's are: the newest N, and of each of the
 * last N days, weeks (from Monday) and months that have one the newest. Only good backups may be given: they alone count. The newest
 * stays whatever the rules say, and what is pinned stays without counting less for others. Copies of the present from before restores
 * are judged apart: whoever tries a backup again and again makes one each time, of what may well be a wreck.
 */
export function judgeRetention(backups: readonly Kept[], retention: Retention, timeZone: string): Map<string, string[]> {
  const { false: ordered = [], true: copies = [] } = Object.groupBy(backups, ({ isSafetyCopy }) => String(isSafetyCopy));
  return new Map([ordered, copies].flatMap((series) => [...judgeSeries(series, retention, timeZone)]));
}

function judgeSeries(backups: readonly Kept[], retention: Retention, timeZone: string): Map<string, string[]> {
  const newestFirst = backups.toSorted((a, b) => b.takenAt.getTime() - a.takenAt.getTime() || (a.id < b.id ? 1 : -1));
  const reasons = new Map<string, string[]>(newestFirst.map(({ id, isPinned }) => [id, isPinned ? ["pinned"] : []]));
  const [newest] = newestFirst;
  if (newest) reasons.get(newest.id)?.push("the newest verified one");
  const localOf = localTimes(timeZone);
  for (const { name, count, periodOf } of rulesOf(retention)) {
    const seen = new Set<string>();
    for (const [index, { id, takenAt }] of newestFirst.entries()) {
      if (seen.size >= count) break;
      const period = periodOf ? periodOf(localOf(takenAt)) : String(index);
      if (seen.has(period)) continue;
      seen.add(period);
      reasons.get(id)?.push(`${name} ${seen.size} of ${count}`);
    }
  }
  return reasons;
}

function rulesOf({ keepLast, keepDaily, keepWeekly, keepMonthly }: Retention): Rule[] {
  return [
    { name: "last", count: keepLast, periodOf: null },
    { name: "day", count: keepDaily, periodOf: ({ year, month, day }) => `${year}-${month}-${day}` },
    { name: "week", count: keepWeekly, periodOf: mondayOf },
    { name: "month", count: keepMonthly, periodOf: ({ year, month }) => `${year}-${month}` },
  ];
}

/** The Monday on or before a day names its week, also over the turn of a year. */
function mondayOf({ year, month, day, weekday }: Local): string {
  return new Date(Date.UTC(year, month - 1, day - weekday)).toISOString().slice(0, 10);
}

function localTimes(timeZone: string): (at: Date) => Local {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  return (at) => {
    const [year = 0, month = 0, day = 0] = format.format(at).split("-").map(Number);
    return { year, month, day, weekday: (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7 };
  };
}
