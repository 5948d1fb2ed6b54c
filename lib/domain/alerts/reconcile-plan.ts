import type { AlertmanagerAlert } from "#lib/alertmanager/schemas.ts";
import { storableMap, storableText } from "#lib/database/storable.ts";
import { watchdogName } from "./webhook-body.ts";

/** An Alertmanager that was just started knows no alerts until Prometheus has sent them again, which takes a minute and a half. */
export const restartGraceMs = 150_000;
/** Two polls lie at least so far apart. */
export const minAbsenceMs = 8_000;

/** What one member of a source answered. */
export type MemberAnswer = { startedAt: Date; hasRestarted: boolean; alerts: readonly AlertmanagerAlert[] };

/** An alert as the reachable members together tell it. Times in milliseconds. */
export type SeenAlert = {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  generatorUrl: string | null;
  startsAt: number;
  /** When one of them last heard that it fires. */
  heardAt: number;
  silencedBy: string[];
  inhibited: boolean;
  /** Every member of the source answered and knows of it, and none of them was started lately. */
  isWhole: boolean;
};

/** An alert with an open episode, as it is stored. Times in milliseconds. */
export type OpenAlert = {
  fingerprint: string;
  startsAt: number;
  /** When it was last told by a webhook. */
  receivedAt: number;
  missingSince: number | null;
  silencedBy: readonly string[];
  inhibited: boolean;
};

/** What is to be done so that the stored alerts agree with what polls found. */
export type ReconcilePlan = {
  /** To be looked at under the lock: an episode to open, to move back, or to mark as silenced or inhibited. */
  seen: SeenAlert[];
  /** Not found for the first time. */
  missing: string[];
  /** Not found by two polls: their episodes end when the first did not find them. */
  gone: string[];
  /** Found again, or not to be judged now. */
  found: string[];
};

export type ReconcileInput = {
  open: readonly OpenAlert[];
  answers: readonly MemberAnswer[];
  /** How many members did not answer. */
  unreachable: number;
  /** When the polls began: what a webhook told later is newer than their answers. */
  beganAt: number;
  /** Whether the source has ever had a Watchdog: an answer without it then says nothing about what is not in it. */
  hasWatchdog: boolean;
};

/**
 * Compares the open episodes with what the reachable members answered. That an alert is in an answer always counts. That it is in
 * none counts only where the members can be trusted to know: they have run for a while, and hold the Watchdog where there is one.
 */
export function planReconcile({ open, answers, unreachable, beganAt, hasWatchdog }: ReconcileInput): ReconcilePlan {
  const isWhole = unreachable === 0 && answers.every((answer) => knowsAll(answer, beganAt, hasWatchdog));
  const seen = mergeAnswers(answers, isWhole);
  const known = new Map(open.map((alert) => [alert.fingerprint, alert]));
  const isTrusted = answers.some((answer) => knowsAll(answer, beganAt, hasWatchdog));
  const absent = open.filter(({ fingerprint, receivedAt }) => !seen.has(fingerprint) && receivedAt < beganAt);
  const isOld = ({ missingSince }: OpenAlert) => missingSince !== null && beganAt - missingSince >= minAbsenceMs;
  return {
    seen: [...seen.values()].filter(
      (alert) => alert.labels.alertname !== watchdogName && differs(alert, known.get(alert.fingerprint)),
    ),
    missing: isTrusted ? fingerprints(absent.filter(({ missingSince }) => missingSince === null)) : [],
    gone: isTrusted ? fingerprints(absent.filter(isOld)) : [],
    found: fingerprints(open.filter((alert) => alert.missingSince !== null && (seen.has(alert.fingerprint) || !isTrusted))),
  };
}

/** Whether an answer holds a Watchdog that fires. */
export function holdsWatchdog({ alerts }: Pick<MemberAnswer, "alerts">): boolean {
  return alerts.some(({ labels }) => labels.alertname === watchdogName);
}

function knowsAll(answer: MemberAnswer, now: number, hasWatchdog: boolean): boolean {
  if (answer.hasRestarted || now - answer.startedAt.getTime() < restartGraceMs) return false;
  return !hasWatchdog || holdsWatchdog(answer);
}

/** Members can differ for a moment: the earliest start, the latest text, and a silence that any of them knows. */
function mergeAnswers(answers: readonly MemberAnswer[], isWhole: boolean): Map<string, SeenAlert> {
  const merged = new Map<string, SeenAlert>();
  const all = answers.flatMap(({ alerts }) => alerts);
  const knownBy = Map.groupBy(all, ({ fingerprint }) => fingerprint);
  for (const alert of all) {
    const other = merged.get(alert.fingerprint);
    const one: SeenAlert = {
      fingerprint: alert.fingerprint,
      labels: storableMap(alert.labels),
      annotations: storableMap(alert.annotations),
      generatorUrl: alert.generatorUrl && storableText(alert.generatorUrl),
      startsAt: alert.startsAt.getTime(),
      heardAt: alert.updatedAt.getTime(),
      silencedBy: alert.silencedBy.toSorted(),
      inhibited: alert.inhibitedBy.length > 0,
      // One that has not heard of it yet may hear of an earlier start.
      isWhole: isWhole && knownBy.get(alert.fingerprint)?.length === answers.length,
    };
    if (!other) merged.set(alert.fingerprint, one);
    else {
      merged.set(alert.fingerprint, {
        ...(one.heardAt > other.heardAt ? one : other),
        startsAt: Math.min(one.startsAt, other.startsAt),
        silencedBy: [...new Set([...one.silencedBy, ...other.silencedBy])].toSorted(),
        inhibited: one.inhibited || other.inhibited,
      });
    }
  }
  return merged;
}

function differs(seen: SeenAlert, open: OpenAlert | undefined): boolean {
  if (!open) return true;
  return (
    seen.startsAt < open.startsAt ||
    (seen.isWhole && seen.startsAt > open.startsAt) ||
    seen.inhibited !== open.inhibited ||
    seen.silencedBy.join() !== open.silencedBy.toSorted().join()
  );
}

function fingerprints(alerts: readonly OpenAlert[]): string[] {
  return alerts.map(({ fingerprint }) => fingerprint);
}
