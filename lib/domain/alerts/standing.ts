import type { Standing } from "./schemas.ts";

export type StandingFacts = {
  state: "firing" | "resolved";
  endsAt: Date | null;
  /** Since when its source has not been heard; null while it is. */
  blindSince: Date | null;
  silencedBy: readonly string[];
  inhibited: boolean;
  acknowledgedAt: Date | null;
};

/**
 * The one word for how an alert stands. While its source is blind nobody knows whether it still fires; an end that was told since is
 * no proof either, for Alertmanager lets alerts expire that Prometheus does not send any more. What Alertmanager hides is told before
 * what a person said, since a silence ends by itself.
 */
export function standingOf({ state, endsAt, blindSince, silencedBy, inhibited, acknowledgedAt }: StandingFacts): Standing {
  const isProven = blindSince === null || (state === "resolved" && endsAt !== null && endsAt < blindSince);
  if (!isProven) return "unknown";
  if (state === "resolved") return "resolved";
  if (silencedBy.length > 0) return "silenced";
  if (inhibited) return "inhibited";
  return acknowledgedAt ? "acknowledged" : "firing";
}

const severityOrder = ["critical", "page", "error", "high", "warning", "info", "none"];

/** Smaller is worse; a severity that is not known stands between warning and info. */
export function severityRank(severity: string): number {
  const known = severityOrder.indexOf(severity.toLowerCase());
  return known === -1 ? severityOrder.indexOf("info") - 0.5 : known;
}

export const flappingEpisodes = 3;
export const flappingMinutes = 30;

/** Whether an episode is one of at least three of the same alert that began within 30 minutes. `starts` holds its own too. */
export function isFlapping(start: Date, starts: readonly Date[]): boolean {
  const sorted = starts.map((each) => each.getTime()).toSorted((a, b) => a - b);
  const windowMs = flappingMinutes * 60_000;
  return sorted.some((first, index) => {
    const last = sorted[index + flappingEpisodes - 1];
    return last !== undefined && last - first <= windowMs && first <= start.getTime() && start.getTime() <= first + windowMs;
  });
}
