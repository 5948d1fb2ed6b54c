/** The times of an incident, ISO 8601 in UTC; null until then. */
export type Clock = {
  impactStartedAt: string;
  detectedAt: string;
  acknowledgedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
};

/** Seconds; null while its end is unknown. Time to detect, acknowledge, mitigate and resolve. */
export type ClockFigures = { ttd: number; tta: number | null; ttm: number | null; ttr: number | null };

const order = ["impactStartedAt", "detectedAt", "acknowledgedAt", "mitigatedAt", "resolvedAt"] as const satisfies (keyof Clock)[];

const titles: Record<keyof Clock, string> = {
  impactStartedAt: "The start of the impact",
  detectedAt: "Its detection",
  acknowledgedAt: "Its acknowledgement",
  mitigatedAt: "Its mitigation",
  resolvedAt: "Its resolution",
};

/** TTD from the start of the impact to its detection, TTA from there to the acknowledgement, TTM and TTR from the start of the impact. */
export function figuresOf(clock: Clock): ClockFigures {
  return {
    ttd: between(clock.impactStartedAt, clock.detectedAt),
    tta: clock.acknowledgedAt === null ? null : between(clock.detectedAt, clock.acknowledgedAt),
    ttm: clock.mitigatedAt === null ? null : between(clock.impactStartedAt, clock.mitigatedAt),
    ttr: clock.resolvedAt === null ? null : between(clock.impactStartedAt, clock.resolvedAt),
  };
}

/** What is wrong with the times, by field, a sentence each: none may lie before the one before it, or in the future. */
export function refuseClock(clock: Clock, now: Date): Partial<Record<keyof Clock, string[]>> | null {
  const problems: Partial<Record<keyof Clock, string[]>> = {};
  let last: keyof Clock | null = null;
  for (const name of order) {
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

function between(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

function lower(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1);
}
