"use client";
import { useCallback, useMemo, useState } from "react";
import {
  rangeParameters,
  readComparison,
  readTimeRange,
  sameRange,
  type TimeRange,
  zoomedOut,
  zoomedTo,
} from "#lib/client/time-range.ts";
import type { Comparison } from "#lib/domain/metrics/schemas.ts";
import { useUrlState } from "../use-url-state.ts";

/**
 * The time that a page looks at, held by its address: what is seen can be sent to somebody, and the back button undoes a step.
 */
export function useTimeRange() {
  const [search, setSearch] = useUrlState();
  const range = useMemo(() => readTimeRange(search), [search]);
  const compare = readComparison(search);
  const [zooms, setZooms] = useState<TimeRange[]>([]);
  const before = zooms.findLast((each) => !sameRange(each, range)) ?? null;

  const setRange = useCallback(
    (next: TimeRange) => {
      setZooms([]);
      setSearch(rangeParameters(next), { push: true });
    },
    [setSearch],
  );
  const setCompare = useCallback((next: Comparison | null) => setSearch({ compare: next }, { push: true }), [setSearch]);
  const zoom = useCallback(
    (from: number, to: number) => {
      setZooms((held) => [...held, range]);
      setSearch(rangeParameters(zoomedTo(from, to, Date.now() / 1000)), { push: true });
    },
    [range, setSearch],
  );
  /** Back to what was seen before the zoom; of a range that nobody zoomed to, to twice as much. */
  const zoomBack = useCallback(() => {
    const next = before ?? zoomedOut(range, Date.now() / 1000);
    if (before) setZooms((held) => held.slice(0, held.lastIndexOf(before)));
    setSearch(rangeParameters(next), { push: true });
  }, [before, range, setSearch]);

  return { range, compare, setRange, setCompare, zoom, zoomBack, isZoomed: before !== null };
}
