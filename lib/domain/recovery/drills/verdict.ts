import { formatFigure } from "./figure.ts";
import type { Verdict } from "./schemas.ts";

/** What a verdict rests on. Milliseconds. */
export type Judged = {
  rtoObjectiveMs: number;
  rpoObjectiveMs: number;
  rtoMs: number | null;
  rpoMs: number | null;
  lostWrites: number | null;
  errorMs: number | null;
  isFaultConfirmed: boolean;
  isAborted: string | null;
  /** What the prober did not see, a sentence each. */
  gaps: string[];
  /** What was not cleaned up. */
  leftOver: string | null;
  /** An alert was to come, and none did. */
  isUndetected: boolean;
  /** Checks that did not pass, with what was found. */
  failedChecks: string[];
  /** It measures something else than what the objective is about. */
  isRehearsal: boolean;
};

/**
 * met: within the objective as measured; missed: beyond it even without the error. Everything else is inconclusive: an aborted drill, a fault that was not seen, gaps in what was watched, a clean-up that failed, a figure closer to its objective than its error.
 */
export function judgeDrill(judged: Judged): { verdict: Verdict; message: string } {
  const { rtoMs, rpoMs, errorMs, rtoObjectiveMs, rpoObjectiveMs, lostWrites, isAborted, leftOver, gaps, failedChecks } = judged;
  const inconclusive = (message: string) => ({ verdict: "inconclusive" as const, message });
  if (isAborted !== null) return inconclusive(`It was aborted: ${isAborted}`);
  if (!judged.isFaultConfirmed) return inconclusive("The fault was not seen to have happened.");
  if (leftOver !== null) return inconclusive(`It was not cleaned up: ${leftOver}`);
  if (gaps.length > 0) return inconclusive(gaps.join(" "));
  const figures = describeFigures(judged);
  const missed: string[] = [];
  if (rtoMs === null) missed.push("Clients were not served again while it was watched.");
  else if (rtoMs - (errorMs ?? 0) > rtoObjectiveMs) missed.push(`The objective is ${formatFigure(rtoObjectiveMs)}.`);
  if (rpoMs === null || (lostWrites === null && !judged.isRehearsal)) {
    if (missed.length === 0) return inconclusive(`${figures} What was lost is not known.`);
  } else if (rpoObjectiveMs === 0 && lostWrites !== null ? lostWrites > 0 : rpoMs - (errorMs ?? 0) > rpoObjectiveMs) {
    missed.push(`At most ${formatFigure(rpoObjectiveMs)} may be lost.`);
  }
  if (failedChecks.length > 0) missed.push(`Not as it should be: ${failedChecks.join("; ")}.`);
  if (judged.isUndetected) missed.push("No alert told anybody of it.");
  if (missed.length > 0) return { verdict: "missed", message: `${figures} ${missed.join(" ")}` };
  if ((rtoMs ?? 0) > rtoObjectiveMs || (rpoObjectiveMs > 0 && (rpoMs ?? 0) > rpoObjectiveMs)) {
    return inconclusive(`${figures} That is closer to the objective than the error of the measurement.`);
  }
  return { verdict: "met", message: judged.isRehearsal ? `${figures} It is a rehearsal: the real time may differ.` : figures };
}

function describeFigures({ rtoMs, rpoMs, lostWrites, errorMs, isRehearsal }: Judged): string {
  const [never, after] = isRehearsal ? ["Never built again", "Built again after"] : ["Away until the end", "Away for"];
  const away = rtoMs === null ? never : `${after} ${formatFigure(rtoMs)}${errorMs ? ` ± ${formatFigure(errorMs)}` : ""}`;
  if (rpoMs === null) return `${away}.`;
  if (lostWrites === null) return `${away}; up to ${formatFigure(rpoMs)} would be lost.`;
  const lost = lostWrites === 0 ? "nothing was lost" : `${lostWrites} writes were lost, over ${formatFigure(rpoMs)}`;
  return `${away}; ${lost}.`;
}
