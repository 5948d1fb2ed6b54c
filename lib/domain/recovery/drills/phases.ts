import { formatFigure } from "./figure.ts";
import type { DrillRun } from "./run.ts";
import type { Phase } from "./schemas.ts";

export type PhaseFacts = Pick<DrillRun, "strike" | "alert" | "remedy"> & {
  /** The last success of clients before the fault; ISO 8601. */
  lastSuccessAt: string | null;
  recoveredAt: string | null;
  /** When what was struck was replaced, or the remedy had done its work. */
  replacedAt: string | null;
};

/**
 * The guides' phases. Where the platform heals by itself, clients are often served again before anybody is told: phases then lie beside
 * each other, and each says so. Pure.
 */
export function phasesOf({ strike, alert, remedy, lastSuccessAt, recoveredAt, replacedAt }: PhaseFacts): Phase[] {
  const faultAt = strike?.intendedAt ?? null;
  if (faultAt === null) return [];
  const told = alert?.receivedAt ?? null;
  // Clients that were hardly interrupted may have had their longest pause after the alert: that tells nothing of the detection.
  const began =
    lastSuccessAt !== null && (told === null || Date.parse(lastSuccessAt) <= Date.parse(told)) ? lastSuccessAt : faultAt;
  const phases: Phase[] = [
    phase("detect", began, told, told === null ? "No alert has arrived." : detectMessage(alert?.name ?? "", recoveredAt, told)),
  ];
  if (remedy) {
    const decided = told ?? faultAt;
    phases.push(phase("assess", decided, remedy.startedAt, remedy.message));
    phases.push(phase("fail-over", remedy.startedAt, remedy.doneAt, "What was decided is carried out."));
    const done = remedy.doneAt;
    if (done) phases.push(phase("recover", done, recoveredAt, "Until clients are served again."));
    return phases;
  }
  phases.push({
    name: "assess",
    startedAt: faultAt,
    endedAt: faultAt,
    durationMs: 0,
    message: "Nothing to decide: the platform replaces what is lost.",
  });
  phases.push(phase("fail-over", faultAt, replacedAt, "Until what was lost is replaced and ready."));
  phases.push(phase("recover", faultAt, recoveredAt, "Until every client is served again, mostly by what was left."));
  return phases;
}

function phase(name: Phase["name"], startedAt: string, endedAt: string | null, message: string): Phase {
  const durationMs = endedAt === null ? null : Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
  return { name, startedAt, endedAt, durationMs, message };
}

function detectMessage(alert: string, recoveredAt: string | null, told: string): string {
  const early = recoveredAt === null ? 0 : Date.parse(told) - Date.parse(recoveredAt);
  return early > 0
    ? `${alert} arrived ${formatFigure(early)} after clients were served again.`
    : `${alert} fired, arrived and opened an incident.`;
}
