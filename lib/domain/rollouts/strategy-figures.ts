import type { Analysis, Strategy } from "./strategy.ts";

/** How long a strategy waits at least before all traffic has gone to the new version for good; what waits for a person counts as 0. */
export function leastPauseSeconds(strategy: Strategy): number {
  switch (strategy.kind) {
    case "canary":
      return strategy.steps.reduce((sum, { pauseSeconds }) => sum + (pauseSeconds ?? 0), 0);
    case "rolling":
      return strategy.stableSeconds;
    case "blue-green":
      return strategy.scaleDownDelaySeconds + durationOf(strategy.prePromotion) + durationOf(strategy.postPromotion);
  }
}

function durationOf(analysis: Analysis | null): number {
  return analysis ? analysis.intervalSeconds * (analysis.count ?? 1) : 0;
}

/** The analyses of a strategy. */
export function analysesOf(strategy: Strategy): Analysis[] {
  const all = strategy.kind === "blue-green" ? [strategy.prePromotion, strategy.postPromotion] : [strategy.analysis];
  return all.filter((analysis) => analysis !== null);
}
