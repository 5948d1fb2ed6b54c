import { Cron } from "croner";

/** When something is to happen again and again. */
export type Schedule = { next(after: Date): Date | undefined };

const names = /\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)\b/gi;
const aliases: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000 };

/**
 * A schedule as Kubernetes reads it: five fields, a name such as @daily, or @every DURATION, in UTC where no time zone is given.
 * Throws an error that says what is wrong.
 */
export function parseSchedule(text: string, timeZone = "UTC"): Schedule {
  if (text.startsWith("@every ")) return every(text.slice("@every ".length).trim());
  const pattern = aliases[text] ?? text;
  const fields = pattern.trim().split(/\s+/);
  if (fields.length !== 5) throw new Error(`expected exactly 5 fields, found ${fields.length}: [${text}]`);
  const foreign = /[^\d*/,?-]/.exec(pattern.replace(names, "").replace(/\s/g, ""));
  if (foreign) throw new Error(`failed to parse "${foreign[0]}" in ${text}`);
  if (/(^|[,-])7/.test(fields[4] ?? "")) throw new Error(`end of range (7) above maximum (6): ${fields[4]}`);
  const cron = new Cron(pattern.replaceAll("?", "*"), { timezone: timeZone, mode: "5-part", paused: true });
  return { next: (after) => cron.nextRun(after) ?? undefined };
}

function every(duration: string): Schedule {
  if (!/^(\d+(\.\d+)?[hms])+$/.test(duration)) throw new Error(`failed to parse duration @every ${duration}`);
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  const totalMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ""] ?? 0), 0);
  const stepMs = Math.max(1000, Math.floor(totalMs / 1000) * 1000);
  return { next: (after) => new Date(Math.floor(after.getTime() / 1000) * 1000 + stepMs) };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export type Missed = {
  /** The latest time that is due. */
  latest?: Date;
  /** How many times are due, counted up to one more than a hundred. */
  count: number;
};

const mostCounted = 101;

/** The times after `since` that are due now. */
export function missedSince(schedule: Schedule, since: Date, now: Date): Missed {
  let count = 0;
  let latest: Date | undefined;
  for (let time = schedule.next(since); time && time <= now; time = schedule.next(time)) {
    latest = time;
    count += 1;
    if (count === mostCounted) return { latest: latestBefore(schedule, time, now), count };
  }
  return { ...(latest ? { latest } : {}), count };
}

/** Halves the way to the present, so that years of missed minutes are not walked through one by one. */
function latestBefore(schedule: Schedule, from: Date, now: Date): Date {
  let [low, high] = [from.getTime(), now.getTime()];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2);
    const next = schedule.next(new Date(middle));
    if (next && next <= now) low = Math.max(middle, next.getTime());
    else high = middle;
  }
  const next = schedule.next(new Date(low - 1000));
  return next && next <= now ? next : new Date(low);
}
