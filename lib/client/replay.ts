import { queryOptions } from "@tanstack/react-query";
import { formatDuration } from "#lib/domain/duration.ts";
import type { ReplayAnswer, ReplayedRelease, ReplayInput, ReplayOutcome } from "#lib/domain/rollouts/analysis/replay-schemas.ts";
import { request, serviceAddress } from "./api.ts";
import { countOf } from "./numbers.ts";
import { capital } from "./words.ts";

/** Tries an analysis on a service's past releases. Prometheus is asked for a lot, so the answer is kept while the page is open. */
export const replayQuery = (id: string, input: ReplayInput) =>
  queryOptions({
    queryKey: ["replay", id, input],
    queryFn: ({ signal }) => request<ReplayAnswer>(`${serviceAddress(id)}/replay`, { method: "POST", body: input, signal }),
    staleTime: 300_000,
    retry: false,
  });

export const replayOutcomeNames: Record<ReplayOutcome, string> = {
  stopped: "Stopped",
  paused: "Paused",
  "let-through": "Let through",
  unknown: "No data",
};

/** "Of 8 releases it would have stopped 2 and let 5 through; of 1 there is no data." */
export function replaySummary({ releases, count }: ReplayAnswer): string {
  const did = [
    count.stopped > 0 ? `stopped ${count.stopped}` : "",
    count.paused > 0 ? `paused ${count.paused}` : "",
    count["let-through"] > 0 ? `let ${count["let-through"]} through` : "",
  ].filter((words) => words !== "");
  const known = did.length === 0 ? "" : `Of ${countOf(releases.length, "release")} it would have ${did.join(", ")}`;
  const unknown =
    count.unknown === 0 ? "" : `of ${known === "" ? countOf(count.unknown, "release") : count.unknown} Prometheus has no data`;
  const text = [known, unknown].filter((words) => words !== "").join("; ");
  return `${capital(text)}.`;
}

/** Whether the replay agrees with what happened in truth; null where either is not known. */
export function agrees({ outcome, state }: Pick<ReplayedRelease, "outcome" | "state">): boolean | null {
  if (outcome === "unknown" || state === null) return null;
  if (state === "complete") return outcome === "let-through";
  return state === "failed" || state === "aborted" ? outcome === "stopped" : null;
}

/** When it would have been stopped or paused, as a sentence; empty when never. */
export const stopWords = ({ outcome, afterSeconds }: Pick<ReplayedRelease, "outcome" | "afterSeconds">): string =>
  afterSeconds === null || (outcome !== "stopped" && outcome !== "paused")
    ? ""
    : `It would have been ${outcome} after ${formatDuration(afterSeconds * 1000)}.`;
