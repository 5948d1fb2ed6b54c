import { describeLimits } from "./owner.ts";
import type { Limits } from "./schemas.ts";

/** A timed change: the limits before it, and those that it set. */
export type TimedChange = { before: Limits; to: Limits };

const fields = ["min", "max"] as const;
const fieldNames = { min: "minReplicas", max: "maxReplicas" } as const;

/**
 * The limits that end a timed change, and how it ended: each limit that is still as it was set goes back, and what somebody else has
 * set in the meantime stays.
 */
export function planRestore({ before, to }: TimedChange, now: Limits): { limits: Limits; outcome: string } {
  const foreign = fields.filter((field) => now[field] !== to[field] && now[field] !== before[field]);
  if (foreign.length === 0) return { limits: before, outcome: `The limits are ${describeLimits(before)} again.` };
  const limits = {
    min: foreign.includes("min") ? now.min : before.min,
    max: foreign.includes("max") ? now.max : before.max,
  };
  const set = `Somebody else has set ${foreign.map((field) => `${fieldNames[field]} to ${now[field]}`).join(" and ")} meanwhile`;
  if (foreign.length === fields.length) return { limits: now, outcome: `${set}: both stay.` };
  if (limits.min > limits.max) {
    return { limits: now, outcome: `${set}: ${describeLimits(before)} does not go with that, so the limits stay.` };
  }
  return { limits, outcome: `${set}, which stays: the limits are ${describeLimits(limits)} now.` };
}

/** One sentence when the limits are not as the timed change set them; null while they are. */
export function describeForeign({ to }: TimedChange, now: Limits): string | null {
  if (isSame(now, to)) return null;
  return `Somebody else has set the limits to ${describeLimits(now)} since; this change had set ${describeLimits(to)}.`;
}

export function isSame(one: Limits, other: Limits): boolean {
  return one.min === other.min && one.max === other.max;
}
