import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";

/** How long after the fault an alert arrived, in milliseconds; null when none did. */
export function toldAfterMs({ detectedAt, faultAt }: Pick<DrillView, "detectedAt" | "faultAt">): number | null {
  return detectedAt && faultAt ? Date.parse(detectedAt) - Date.parse(faultAt) : null;
}

/** What was measured, in a line. */
export function describeDrill(drill: DrillView): string {
  const { scenario, target, verdict, rtoMs, errorMs, rtoObjectiveMs, rpoMs, lostWrites, rpoObjectiveMs, message } = drill;
  const rto = `RTO ${seconds(rtoMs)} ± ${seconds(errorMs)} of ${seconds(rtoObjectiveMs)}`;
  const rpo = `RPO ${seconds(rpoMs)} with ${lostWrites} lost of ${seconds(rpoObjectiveMs)}`;
  return `${scenario} (${target}): ${verdict}, ${rto}, ${rpo}, told after ${seconds(toldAfterMs(drill))}. ${message}`;
}

const seconds = (ms: number | null) => (ms === null ? "not known" : `${(ms / 1000).toFixed(1)} s`);
