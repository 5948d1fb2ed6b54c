/**
 * How the start of an impact is known: a person said it in the report, it is the start of the alert, the watch found the first bad
 * point, somebody edited it with a reason. unknown: it stands at the detection, and no figure counts from it.
 */
export const impactStartSources = ["reported", "alert", "measured", "edited", "unknown"] as const;
export type ImpactStartSource = (typeof impactStartSources)[number];

/** The times of an incident, ISO 8601 in UTC; null until then. */
export type Clock = {
  impactStartedAt: string;
  impactStartSource: ImpactStartSource;
  detectedAt: string;
  acknowledgedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
};

/** The times in their order. */
export const clockTimes = ["impactStartedAt", "detectedAt", "acknowledgedAt", "mitigatedAt", "resolvedAt"] as const;
export type ClockTime = (typeof clockTimes)[number];

/** What they are called where they stand beside a time. */
export const clockNames: Record<ClockTime, string> = {
  impactStartedAt: "Impact started",
  detectedAt: "Detected",
  acknowledgedAt: "Acknowledged",
  mitigatedAt: "Mitigated",
  resolvedAt: "Resolved",
};

/** Whole seconds, as a clock that runs shows them; null where one of the two times is not known. Time to detect, acknowledge, mitigate and resolve. */
export type ClockFigures = { ttd: number | null; tta: number | null; ttm: number | null; ttr: number | null };

const titles: Record<ClockTime, string> = {
  impactStartedAt: "The start of the impact",
  detectedAt: "Its detection",
  acknowledgedAt: "Its acknowledgement",
  mitigatedAt: "Its mitigation",
  resolvedAt: "Its resolution",
};

/** TTD from the start of the impact to its detection, TTA from there to the acknowledgement, TTM and TTR from the start of the impact. */
export function figuresOf(clock: Clock): ClockFigures {
  const { detectedAt, acknowledgedAt, mitigatedAt, resolvedAt } = clock;
  const began = clock.impactStartSource === "unknown" ? null : clock.impactStartedAt;
  return {
    ttd: secondsBetween(began, detectedAt),
    tta: secondsBetween(detectedAt, acknowledgedAt),
    ttm: secondsBetween(began, mitigatedAt),
    ttr: secondsBetween(began, resolvedAt),
  };
}

/** What is wrong with the times, by field, a sentence each: none may lie before the one before it, or in the future. */
export function refuseClock(clock: Clock, now: Date): Partial<Record<ClockTime, string[]>> | null {
  const problems: Partial<Record<ClockTime, string[]>> = {};
  let last: ClockTime | null = null;
  for (const name of clockTimes) {
    const at = clock[name];
    if (at === null) continue;
    if (Date.parse(at) > now.getTime()) problems[name] = [`${titles[name]} lies in the future.`];
    else if (last !== null && Date.parse(at) < Date.parse(clock[last] ?? "")) {
      problems[name] = [`${titles[name]} lies before ${lower(titles[last])} (${clock[last]}).`];
    }
    last = name;
  }
  return Object.keys(problems).length === 0 ? null : problems;
}

/** Whole seconds from one time to another; null where one of them is not known. */
export function secondsBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.floor((Date.parse(to) - Date.parse(from)) / 1000);
}

function lower(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1);
}
