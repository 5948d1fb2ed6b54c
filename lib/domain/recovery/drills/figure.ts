import { formatDuration } from "../../duration.ts";

/** A measured time for people: "600 ms", "2.4 s", "3 m 12 s". */
export function formatFigure(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s` : formatDuration(ms);
}
