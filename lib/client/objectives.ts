import { queryOptions } from "@tanstack/react-query";
import type { IndicatorState, Objective, ObjectivesAnswer } from "#lib/domain/objectives/schemas.ts";
import { request, serviceAddress } from "./api.ts";

export const objectiveKeys = { all: ["objectives"] as const };

/** What every service is held to and how it stands. */
export const objectivesQuery = queryOptions({
  queryKey: objectiveKeys.all,
  queryFn: ({ signal }) => request<ObjectivesAnswer>("/api/objectives", { signal }),
  refetchInterval: 30_000,
});

const address = (id: string) => `${serviceAddress(id)}/objectives`;

export const setObjective = (id: string, input: { objective: Objective; reason: string }) =>
  request<Objective>(address(id), { method: "PUT", body: input });
export const clearObjective = (id: string, input: { reason: string }) =>
  request<unknown>(address(id), { method: "DELETE", body: input });

/** A ratio as people write objectives: 0.999 is "99.9 %". */
export function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(7))} %`;
}

/** An objective as one sentence: "99 % within 50 ms over 30 d". */
export function objectiveWords({ kind, target, threshold }: IndicatorState, windowDays: number): string {
  const within = threshold
    ? `within ${threshold.wantedSeconds < 1 ? `${threshold.wantedSeconds * 1000} ms` : `${threshold.wantedSeconds} s`}`
    : "";
  return `${percent(target)} ${kind === "availability" ? "available" : within} over ${windowDays} d`;
}

/** How worrying an indicator is, for its colour: the alert that burns, or a budget that is spent. */
export function indicatorTone({ alert, budgetLeft }: IndicatorState): "good" | "warn" | "bad" | "unknown" {
  if (budgetLeft === null) return alert ? "bad" : "unknown";
  if (alert === "page" || budgetLeft <= 0) return "bad";
  return alert === "ticket" || budgetLeft < 0.25 ? "warn" : "good";
}

/** The indicator whose budget is the furthest gone; undefined when there is none. */
export function worstIndicator(indicators: IndicatorState[]): IndicatorState | undefined {
  return indicators.toSorted((a, b) => (a.budgetLeft ?? 2) - (b.budgetLeft ?? 2))[0];
}
