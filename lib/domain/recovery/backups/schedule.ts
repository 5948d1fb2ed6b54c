import { Cron } from "croner";

/** Times at which a schedule falls due, in the time zone that it is written for. */

/** Why a schedule or its time zone cannot be used; null when they can. */
export function refuseSchedule(cron: string, timeZone: string): string | null {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    return `There is no time zone ${timeZone}; use one like Europe/Berlin, or UTC.`;
  }
  try {
    return parse(cron, timeZone).nextRun() === null ? "This schedule never falls due." : null;
  } catch {
    return "Give five fields: minute, hour, day of the month, month, day of the week, e.g. 0 3 * * *.";
  }
}

/** The next times after an instant; fewer than `count` when the schedule ends. */
export function nextTimes(cron: string, timeZone: string, after: Date, count: number): Date[] {
  return parse(cron, timeZone).nextRuns(count, after);
}

/** The next time after an instant; null for none. */
export function nextTime(cron: string | null, timeZone: string, after: Date): Date | null {
  return cron === null ? null : (nextTimes(cron, timeZone, after, 1)[0] ?? null);
}

/** The longest time between two of the next times, in seconds; null for a schedule that ends. */
export function longestGapSeconds(cron: string, timeZone: string, after: Date): number | null {
  const times = nextTimes(cron, timeZone, after, gapsLookedAt + 1).map((at) => at.getTime());
  const gaps = times.slice(1).map((at, index) => (at - (times[index] ?? at)) / 1000);
  return gaps.length === 0 ? null : Math.max(...gaps);
}

const gapsLookedAt = 50;

function parse(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, paused: true, mode: "5-part" });
}
