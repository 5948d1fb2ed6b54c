/** A span in its largest unit only, for columns: "42 s", "3 m", "5 h", "12 d". */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "3 m ago", "in 2 d", "now". Differences below five seconds, as clocks differ by that much, are "now". */
export function formatRelative(at: string | number | Date, now: number): string {
  const difference = now - new Date(at).getTime();
  if (Math.abs(difference) < 5000) return "now";
  return difference > 0 ? `${formatAge(difference)} ago` : `in ${formatAge(-difference)}`;
}

/** Date and time with the zone, in the viewer's zone unless another is given: "2026-11-21 02:14:05 GMT+1". */
export function formatAbsolute(at: string | number | Date, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZone,
    timeZoneName: "short",
  }).formatToParts(new Date(at));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")} ${part("timeZoneName")}`;
}

/** The clock alone, "02:14:05", or "02:14" without seconds, in the viewer's zone unless another is given. */
export function formatClock(
  at: string | number | Date,
  { seconds = true, timeZone }: { seconds?: boolean; timeZone?: string } = {},
): string {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
    hourCycle: "h23",
    timeZone,
  }).format(new Date(at));
}

/** A log line's time to the millisecond: "02:14:05.123". */
export function formatClockMs(at: string, timeZone?: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? "--:--:--.---"
    : `${formatClock(date, { timeZone })}.${String(date.getUTCMilliseconds()).padStart(3, "0")}`;
}

/** A tick on a time axis: the clock within two days, else day and month with the clock. */
export function formatAxisTime(unixSeconds: number, spanSeconds: number, timeZone?: string): string {
  const date = new Date(unixSeconds * 1000);
  if (spanSeconds <= 2 * 86_400) return formatClock(date, { seconds: false, timeZone });
  return new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", timeZone }).format(date);
}

/** Ticks of a time axis on round local minutes, hours or days, at most `wanted`. */
export function timeTicks(from: number, to: number, wanted: number): number[] {
  const steps = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800];
  const step = steps.find((candidate) => (to - from) / candidate <= wanted) ?? 172_800;
  const offset = new Date(to * 1000).getTimezoneOffset() * 60;
  const ticks: number[] = [];
  for (let tick = Math.ceil((from - offset) / step) * step + offset; tick <= to; tick += step) ticks.push(tick);
  return ticks;
}
