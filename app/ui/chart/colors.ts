import type { Panel } from "#lib/domain/metrics/schemas.ts";

/** The two sides of a rollout have the same colours on every chart, also where only one of them has data. */
const sides: Record<string, string> = { stable: "var(--series-1)", candidate: "var(--series-2)" };

/** The colour of a panel's nth series: one family of tints for percentiles, the palette for the rest, grey for "others". */
export function seriesColor(style: Panel["style"], index: number, name: string): string {
  const side = sides[name];
  if (side) return side;
  if (style === "percentiles") return `var(--percentile-${Math.min(index, 2) + 1})`;
  return / others$/.test(name) ? "var(--series-8)" : `var(--series-${(index % 8) + 1})`;
}
