import type { Panel, PanelsAnswer, Series } from "#lib/domain/metrics/schemas.ts";

/**
 * The charts that are held with what came since put on: what is older than the new window falls off, a point that was asked
 * again takes the place of the one held. Null when the tail does not fit what is held, which then has to be asked in full.
 * What did not change stays the same object, so that a chart can tell that it has nothing to draw.
 */
export function mergeTail(held: PanelsAnswer, tail: PanelsAnswer): PanelsAnswer | null {
  if (!tail.isTail) return tail;
  if (tail.range !== held.range || tail.stepSeconds !== held.stepSeconds || tail.compare !== held.compare) return null;
  const panels: Panel[] = [];
  for (const panel of tail.panels) {
    const known = held.panels.find(({ id }) => id === panel.id);
    if (!known || known.shape !== panel.shape || known.version !== panel.version || known.stepSeconds !== panel.stepSeconds) {
      return null;
    }
    const series = mergeAll(known.series, panel.series, tail.from);
    const compared = panel.compared && known.compared ? mergeAll(known.compared, panel.compared, tail.from) : panel.compared;
    if (!series || (panel.compared && !known.compared) || compared === undefined) return null;
    panels.push({ ...panel, series, compared });
  }
  return { ...tail, panels, isTail: false };
}

function mergeAll(held: Series[], tail: Series[], from: number): Series[] | undefined {
  if (held.length !== tail.length || held.some(({ name }, index) => tail[index]?.name !== name)) return undefined;
  const merged = held.map((series, index) => {
    const points = mergePoints(series.points, tail[index]?.points ?? [], from);
    return points === series.points ? series : { name: series.name, points };
  });
  return merged.every((series, index) => series === held[index]) ? held : merged;
}

function mergePoints(held: Series["points"], tail: Series["points"], from: number): Series["points"] {
  const start = held.findIndex(([time]) => time >= from);
  const since = tail[0]?.[0] ?? Number.POSITIVE_INFINITY;
  const end = held.findIndex(([time]) => time >= since);
  const replaced = end === -1 ? [] : held.slice(end);
  const isSame = replaced.length === tail.length && replaced.every(([, value], index) => tail[index]?.[1] === value);
  if (start === 0 && isSame) return held;
  const kept = start === -1 ? [] : held.slice(start, end === -1 ? undefined : Math.max(start, end));
  return [...kept, ...tail.filter(([time]) => time >= from)];
}
