import { spanWords } from "#lib/client/recovery-view.ts";
import { cn } from "../class-names.ts";

/** A measured span beside its objective: "4 s of 30 s", red where it is longer. */
export function Measured({ ms, objectiveMs, errorMs }: { ms: number | null; objectiveMs: number; errorMs?: number | null }) {
  const error = errorMs ? `, give or take ${spanWords(errorMs)}` : "";
  const exact = ms === null ? "not measured" : `${ms.toLocaleString("en-US")} ms${error}`;
  return (
    <span title={`${exact}; objective ${spanWords(objectiveMs)}`} className="whitespace-nowrap">
      <span className={cn("font-medium", ms === null && "text-ink-3", ms !== null && ms > objectiveMs && "text-bad")}>
        {spanWords(ms)}
      </span>
      <span className="text-ink-3"> of {spanWords(objectiveMs)}</span>
    </span>
  );
}
