/** Something that lasts, in unix milliseconds. */
type Lasting = { from: number; to: number };

/**
 * Puts each span into the first lane where it touches no other, the earliest first; what fits into none of `most` lanes is
 * left out, and counted by the caller from what comes back.
 */
export function lanesOf<T extends Lasting>(spans: T[], most: number, gapMs = 0): { span: T; lane: number }[] {
  const ends: number[] = [];
  const placed: { span: T; lane: number }[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from || b.to - a.to)) {
    const free = ends.findIndex((end) => end + gapMs <= span.from);
    const lane = free >= 0 ? free : ends.length;
    if (lane >= most) continue;
    ends[lane] = span.to;
    placed.push({ span, lane });
  }
  return placed;
}
