/** What one measurement says. No data is never bad, and an error is neither. */
export type Verdict = "good" | "bad" | "no-data" | "error";

/** How an analysis stands; kept in the rollout's run. */
export type AnalysisState = {
  startedAt: string;
  /** When the next measurement is due. */
  dueAt: string;
  taken: number;
  /** By metric: bad in all, no data and errors one after the other. */
  metrics: Record<string, { bad: number; noDataInARow: number; errorsInARow: number; last: Verdict | null }>;
};
