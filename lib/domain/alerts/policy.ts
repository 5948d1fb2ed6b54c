/**
 * Which episodes an alert of a source has, given what was told of it.
 *
 * What arrives is at-least-once, out of order, and told by several Alertmanagers. So nothing here depends on the order: a firing
 * notice is a point in time (it fired at startsAt), a resolve is a stretch (it fired from startsAt to endsAt), and the episodes are
 * a function of the set of both. Stretches that meet are one. A point inside a stretch says nothing new. A point outside belongs
 * to the next stretch after it, whose start it moves back, and to an open episode when there is none. An end that a poll inferred
 * bounds an episode like the start of a stretch does, until a resolve tells more. What an episode keeps of this (`cover`,
 * `firedAts`, `goneAt`) is enough to give the same answer as all notices together. Times are in milliseconds.
 */

/** An Alertmanager can hear late of what Prometheus sent before an alert's end; Prometheus repeats every minute what still fires. */
const heardGraceMs = 60_000;

/** What an Alertmanager tells of one alert. */
export type Notice = { status: "firing"; startsAt: number } | { status: "resolved"; startsAt: number; endsAt: number };

/** One episode, and what is known of it. Open while both `cover` and `goneAt` are null. */
export type EpisodeState = {
  /** null until it is stored. */
  id: string | null;
  /** From when until when resolves say that it fired. */
  cover: { startsAt: number; endsAt: number } | null;
  /** Starts that firing notices told and no resolve covers, ascending. */
  firedAts: readonly number[];
  /** When a poll found that it was gone; null when a resolve told the end. */
  goneAt: number | null;
};

/** An alert's episodes in time order; only the last can be open. May leave out those that ended before every notice's start. */
export type SeriesState = readonly EpisodeState[];

/** How an episode differs from before. `before` is null for a new one; `after` is null for one that became part of `into`. */
export type Change =
  | { before: EpisodeState | null; after: EpisodeState }
  | { before: EpisodeState; after: null; into: EpisodeState };

export function startOf({ cover, firedAts }: EpisodeState): number {
  return Math.min(cover?.startsAt ?? Number.POSITIVE_INFINITY, firedAts[0] ?? Number.POSITIVE_INFINITY);
}

/** null while it is open. */
export function endOf({ cover, goneAt }: EpisodeState): number | null {
  return cover?.endsAt ?? goneAt;
}

/** The changes that a notice makes to an alert's episodes; none when it tells nothing new. */
export function applyNotice(series: SeriesState, notice: Notice): Change[] {
  return applyNotices(series, [notice]);
}

/** The changes that several notices make together, in any order. */
export function applyNotices(series: SeriesState, notices: readonly Notice[]): Change[] {
  return difference(series, segment(evidenceOf(series), notices));
}

/** The change when polls find that an alert is gone: its open episode ends at `at`, or at its last start when that is later. */
export function applyGone(series: SeriesState, at: number): Change[] {
  const open = series.findLast((episode) => endOf(episode) === null);
  if (!open) return [];
  return [{ before: open, after: { ...open, goneAt: Math.max(at, open.firedAts.at(-1) ?? at) } }];
}

/** An alert that a poll found. `isWhole`: every Alertmanager of the source knows it, and none was started lately. */
export type Seen = { startsAt: number; heardAt: number; isWhole: boolean };

/**
 * The changes when a poll finds an alert that fires since `startsAt`, as its Alertmanager last heard at `heardAt`. An end that a
 * poll inferred is taken back; an end that was told stays, and what fires after it is a new episode. An Alertmanager moves a start
 * only back, so when all of them know a later one than the last episode's, what fired before has ended untold.
 */
export function applySeen(series: SeriesState, seen: Seen): Change[] {
  const last = series.at(-1);
  const end = last ? endOf(last) : null;
  const fires: Notice = { status: "firing", startsAt: seen.startsAt };
  if (!last || (end !== null && seen.startsAt > end)) return applyNotice(series, fires);
  const evidence = evidenceOf([...series.slice(0, -1), { ...last, goneAt: null }]);
  if (seen.isWhole && seen.startsAt > startOf(last)) evidence.gones.push(seen.startsAt - 1);
  if (!last.cover) return difference(series, segment(evidence, [fires]));
  const isBack = seen.heardAt > last.cover.endsAt + heardGraceMs;
  return difference(series, segment(evidence, isBack ? [{ status: "firing", startsAt: seen.heardAt }] : []));
}

type Stretch = { startsAt: number; endsAt: number };

/** What is known of an alert, whatever episode it belongs to. */
type Evidence = { stretches: Stretch[]; points: number[]; gones: number[] };

function evidenceOf(series: SeriesState): Evidence {
  return {
    stretches: series.flatMap(({ cover }) => (cover ? [cover] : [])),
    points: series.flatMap(({ firedAts }) => firedAts),
    gones: series.flatMap(({ goneAt }) => (goneAt === null ? [] : [goneAt])),
  };
}

/** The episodes that the evidence and further notices amount to. */
function segment({ stretches, points, gones }: Evidence, notices: readonly Notice[]): EpisodeState[] {
  const told = notices.flatMap((notice) =>
    notice.status === "resolved" ? [{ startsAt: notice.startsAt, endsAt: Math.max(notice.startsAt, notice.endsAt) }] : [],
  );
  const fired = notices.flatMap((notice) => (notice.status === "firing" ? [notice.startsAt] : []));
  const covers = unite([...stretches, ...told]);
  const isInside = (at: number) => covers.some(({ startsAt, endsAt }) => startsAt <= at && at <= endsAt);
  const bounds = [
    ...covers.map((cover) => ({ at: cover.startsAt, cover, goneAt: null })),
    ...[...new Set(gones)].filter((at) => !isInside(at)).map((at) => ({ at, cover: null, goneAt: at })),
  ].toSorted((a, b) => a.at - b.at);
  const episodes = bounds.map(({ cover, goneAt }) => ({ id: null, cover, goneAt, firedAts: [] as number[] }));
  const open = { id: null, cover: null, goneAt: null, firedAts: [] as number[] };
  for (const point of toSorted([...points, ...fired])) {
    if (isInside(point)) continue;
    const next = bounds.findIndex(({ at }) => point <= at);
    (episodes[next] ?? open).firedAts.push(point);
  }
  return [...episodes, open].filter(({ cover, firedAts }) => cover !== null || firedAts.length > 0);
}

/** Stretches that meet or overlap made one, in time order. */
function unite(stretches: readonly Stretch[]): Stretch[] {
  const united: Stretch[] = [];
  for (const { startsAt, endsAt } of stretches.toSorted((a, b) => a.startsAt - b.startsAt)) {
    const last = united.at(-1);
    if (last && startsAt <= last.endsAt) last.endsAt = Math.max(last.endsAt, endsAt);
    else united.push({ startsAt, endsAt });
  }
  return united;
}

/** Which stored episode each wanted one is, and what changes in it. */
function difference(series: SeriesState, wanted: readonly EpisodeState[]): Change[] {
  const left = new Set(series);
  const take = (episode: EpisodeState | undefined) => {
    if (episode) left.delete(episode);
    return episode ?? null;
  };
  const pairs = new Map<EpisodeState, EpisodeState | null>();
  // An end that was told stays with the episode that it was told of; then the earliest that shares time with a wanted one.
  for (const want of wanted) {
    const { cover } = want;
    if (cover) pairs.set(want, take([...left].find((known) => known.cover && isWithin(known.cover, cover))));
  }
  for (const want of wanted) {
    if (!pairs.get(want)) pairs.set(want, take([...left].find((known) => shareTime(known, want))));
  }
  const changes: Change[] = [];
  const kept = wanted.map((want) => {
    const before = pairs.get(want) ?? null;
    const after = { ...want, id: before?.id ?? null };
    if (!before || !isSame(before, after)) changes.push({ before, after });
    return after;
  });
  for (const before of left) {
    const into = kept.find((episode) => shareTime(before, episode));
    if (into) changes.push({ before, after: null, into });
  }
  return changes;
}

function isWithin(inner: Stretch, outer: Stretch): boolean {
  return outer.startsAt <= inner.startsAt && inner.endsAt <= outer.endsAt;
}

function shareTime(a: EpisodeState, b: EpisodeState): boolean {
  const endsAfter = (one: EpisodeState, other: EpisodeState) => (endOf(one) ?? Number.POSITIVE_INFINITY) >= startOf(other);
  return endsAfter(a, b) && endsAfter(b, a);
}

function isSame(a: EpisodeState, b: EpisodeState): boolean {
  return (
    a.goneAt === b.goneAt &&
    a.cover?.startsAt === b.cover?.startsAt &&
    a.cover?.endsAt === b.cover?.endsAt &&
    a.firedAts.length === b.firedAts.length &&
    a.firedAts.every((at, index) => at === b.firedAts[index])
  );
}

function toSorted(points: readonly number[]): number[] {
  return [...new Set(points)].toSorted((a, b) => a - b);
}
