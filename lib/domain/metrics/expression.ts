import { quoteLabel } from "#lib/prometheus/client.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { type Range, ranges } from "./schemas.ts";

const steps: Record<Range, number> = { "15m": 5, "1h": 15, "6h": 60, "24h": 300, "7d": 1800 };
const scrapesInWindow = 4;

/** When a chart begins and ends and how far its points are apart; both ends fall on multiples of the step. All in seconds. */
export type Window = { from: number; to: number; stepSeconds: number; rateSeconds: number };

/** The window of a range that ends at the last full step before now. */
export function windowOf(range: Range, now: Date, scrapeSeconds: number): Window {
  const stepSeconds = steps[range];
  const to = Math.floor(now.getTime() / 1000 / stepSeconds) * stepSeconds;
  return { from: to - ranges[range], to, stepSeconds, rateSeconds: rateWindow(stepSeconds, scrapeSeconds) };
}

/** A rate needs a few scrapes, and must not look past what lies between two points by much. */
export function rateWindow(stepSeconds: number, scrapeSeconds: number): number {
  return Math.max(stepSeconds, Math.ceil(scrapesInWindow * scrapeSeconds));
}

/** Matchers of one service's series. */
export function serviceMatchers({ namespace, name }: ServiceRef): string {
  return `namespace=${quoteLabel(namespace)},service=${quoteLabel(name)}`;
}

/** An expression of a template for one service and one rate window. */
export function fillExpression(expr: string, ref: ServiceRef, rateSeconds: number): string {
  return expr.replaceAll("$in", () => serviceMatchers(ref)).replaceAll("$window", `${rateSeconds}s`);
}
