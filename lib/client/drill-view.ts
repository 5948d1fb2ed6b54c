import type { DrillDetail, Phase, PhaseName, SeriesPoint } from "#lib/domain/recovery/drills/schemas.ts";

export const phaseWords: Record<PhaseName, string> = {
  detect: "Detect",
  assess: "Assess",
  "fail-over": "Fail over",
  recover: "Recover",
};

/** What a drill's drawing spans, in Unix seconds. */
export type Frame = {
  from: number;
  to: number;
  /** When it was away from: the last success before the fault, or the fault itself while it runs; null before the fault. */
  zero: number | null;
  /** When the objective ends; null before the fault, and where it lies far beyond what is drawn. */
  objectiveAt: number | null;
};

const seconds = (at: string) => Date.parse(at) / 1000;
const leastSeconds = 20;

/** The time of a drill, with its objective where that is not so far that it would press the rest flat; `now` in Unix seconds. */
export function frameOf({ drill, report }: Pick<DrillDetail, "drill" | "report">, now: number): Frame | null {
  const points = report?.series ?? [];
  const phases = report?.phases ?? [];
  const first = points[0]?.at ?? drill.startedAt;
  if (!first) return null;
  const last = points.at(-1);
  const isOver = drill.finishedAt !== null;
  const ends = [...(last ? [seconds(last.at) + 1] : []), ...phases.map((phase) => (phase.endedAt ? seconds(phase.endedAt) : 0))];
  const from = seconds(first);
  const end = Math.max(from + leastSeconds, ...ends, ...(isOver ? [] : [now]));
  // While it runs the last success may turn out to be another one: time is counted from the fault then.
  const begun = isOver ? (phases[0]?.startedAt ?? drill.faultAt) : drill.faultAt;
  if (!begun) return { from, to: end, zero: null, objectiveAt: null };
  const zero = seconds(begun);
  const objectiveAt = zero + drill.rtoObjectiveMs / 1000;
  const isNear = objectiveAt - from <= (end - from) * 2.5;
  return { from, to: isNear ? Math.max(end, objectiveAt) : end, zero, objectiveAt: isNear ? objectiveAt : null };
}

/** Ticks on round seconds before and after the fault, at most `wanted`. */
export function ticksAround(
  { from, to, zero }: Pick<Frame, "from" | "to" | "zero">,
  wanted: number,
): { at: number; label: string }[] {
  const begin = zero ?? from;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const step = steps.find((candidate) => (to - from) / candidate <= wanted) ?? 14_400;
  const ticks: { at: number; label: string }[] = [];
  for (let index = Math.ceil((from - begin) / step); begin + index * step <= to; index += 1) {
    ticks.push({ at: begin + index * step, label: offsetWords(index * step) });
  }
  return ticks;
}

/** "+1 m 30 s" after the fault, "−10 s" before it. */
export function offsetWords(offset: number): string {
  const absolute = Math.abs(Math.round(offset));
  if (absolute === 0) return "0";
  const hours = Math.floor(absolute / 3600);
  const minutes = Math.floor((absolute % 3600) / 60);
  const rest = absolute % 60;
  const parts = [...(hours ? [`${hours} h`] : []), ...(minutes ? [`${minutes} m`] : []), ...(rest ? [`${rest} s`] : [])];
  return `${offset < 0 ? "−" : "+"}${parts.join(" ")}`;
}

/** How long a phase took, or has taken so far. Milliseconds; `now` too. */
export function phaseMs({ startedAt, endedAt, durationMs }: Phase, now: number): number {
  return durationMs ?? (endedAt ? Date.parse(endedAt) : now) - Date.parse(startedAt);
}

/** From the last success to the alert: what the detection took. Milliseconds. */
export function detectMs({ report }: Pick<DrillDetail, "report">): number | null {
  return report?.phases.find(({ name }) => name === "detect")?.durationMs ?? null;
}

/** How many requests of clients failed in it, of how many. */
export function countProbes(series: readonly SeriesPoint[]): { ok: number; failed: number } {
  return series.reduce((sum, { ok, failed }) => ({ ok: sum.ok + ok, failed: sum.failed + failed }), { ok: 0, failed: 0 });
}

export type Compared = DrillDetail["earlier"][number] & { isThis: boolean };

/** This drill among the earlier ones of its kind, the oldest first. */
export function comparedOf({ drill, earlier }: Pick<DrillDetail, "drill" | "earlier">): Compared[] {
  const { id, number, startedAt, rtoMs, rpoMs, verdict } = drill;
  const others = earlier.filter((each) => each.id !== id).map((each) => ({ ...each, isThis: false }));
  return [{ id, number, startedAt, rtoMs, rpoMs, verdict, isThis: true }, ...others].sort((a, b) => a.number - b.number);
}
