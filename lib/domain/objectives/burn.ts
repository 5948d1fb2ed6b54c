import type { IndicatorState, ShownBurnWindow } from "./schemas.ts";

/** Requests of a service within a time, and how many of them were bad. */
export type Counts = { bad: number; all: number };

/** The windows that burn rates are measured over, in seconds. */
export const burnWindows = { "5m": 300, "30m": 1800, "1h": 3600, "6h": 21_600, "3d": 259_200 } as const;
export type BurnWindow = keyof typeof burnWindows;

/**
 * Above which burn rate a person's time is worth it: over the long window, and still so over the short one. Google's SRE Workbook,
 * "Alerting on SLOs", table 5-8; the same as the alert rules' defaults (services/controller/deploy/alerts.yaml), whatever the
 * objective's own window.
 */
export const burnAlerts = [
  { alert: "page", above: 14.4, long: "1h", short: "5m" },
  { alert: "page", above: 6, long: "6h", short: "30m" },
  { alert: "ticket", above: 1, long: "3d", short: "6h" },
] as const;

const daySeconds = 86_400;

/** How fast the budget was spent: 1 = exactly used up over the objective's window. Null without requests. */
export function burnRate(counts: Counts | null, target: number): number | null {
  if (!counts || counts.all <= 0) return null;
  return counts.bad / counts.all / (1 - target);
}

/** How one objective stands, from the counts of its window and of the burn windows. */
export function judgeIndicator(
  target: number,
  windowDays: number,
  whole: Counts | null,
  recent: Partial<Record<BurnWindow, Counts>>,
): Pick<IndicatorState, "ratio" | "requests" | "budgetLeft" | "burn" | "alert" | "exhaustedInSeconds"> {
  const windowSeconds = windowDays * daySeconds;
  const rate = (window: BurnWindow) => burnRate(recent[window] ?? null, target);
  const spent = burnRate(whole, target);
  const budgetLeft = spent === null ? null : 1 - spent;
  const burn: Record<ShownBurnWindow, number | null> = { "1h": rate("1h"), "6h": rate("6h"), "3d": rate("3d") };
  const firing = burnAlerts.find(({ above, long, short }) => (rate(long) ?? 0) > above && (rate(short) ?? 0) > above);
  return {
    ratio: whole && whole.all > 0 ? 1 - whole.bad / whole.all : null,
    requests: whole ? whole.all : null,
    budgetLeft,
    burn,
    alert: firing?.alert ?? null,
    exhaustedInSeconds: exhaustion(budgetLeft, burn["1h"], windowSeconds),
  };
}

/** A rate of at most 1 never spends more than the window gives back. */
function exhaustion(budgetLeft: number | null, rate: number | null, windowSeconds: number): number | null {
  if (budgetLeft === null || rate === null || rate <= 1) return null;
  return Math.max(0, (budgetLeft * windowSeconds) / rate);
}
