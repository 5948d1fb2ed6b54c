/** fresh, stale or missing; "none" when there is nothing to back up. */
export type Exposure = { exposureSeconds: number | null; state: "fresh" | "stale" | "missing" | "none" };

type Judged = {
  /** What the newest verified backup holds is as of then; null: there is none. */
  takenAt: Date | null;
  rpoSeconds: number;
  hasContents: boolean;
  now: Date;
};

/** What would be lost now: the age of what the newest verified backup holds, against the RPO. */
export function judgeExposure({ takenAt, rpoSeconds, hasContents, now }: Judged): Exposure {
  if (takenAt === null) return { exposureSeconds: null, state: hasContents ? "missing" : "none" };
  const exposureSeconds = Math.max(0, (now.getTime() - takenAt.getTime()) / 1000);
  return { exposureSeconds, state: exposureSeconds > rpoSeconds ? "stale" : "fresh" };
}
