"use client";
import { TriangleAlert } from "lucide-react";
import { formatAge, formatClock } from "#lib/client/time.ts";
import type { PanelsAnswer } from "#lib/domain/metrics/schemas.ts";
import { useNow } from "../clock.tsx";

/** Older than this a live page's data is told to be old, in points. */
const patiencePoints = 3;

/** How old what a page's charts show is, and whether that is as it should be. */
export function DataAge({ answer, askedAt }: { answer: PanelsAnswer; askedAt: number }) {
  const now = useNow();
  if (now === null || answer.panels.length === 0) return null;
  const troubled = answer.panels.filter(({ problem, dataTo }) => problem !== null && dataTo < answer.to);
  const dataTo = Math.min(...(troubled.length > 0 ? troubled : answer.panels).map((panel) => panel.dataTo)) * 1000;
  if (troubled.length > 0) {
    const count = troubled.length === 1 ? "1 chart shows" : `${troubled.length} charts show`;
    const which = troubled.length === answer.panels.length ? "The charts show" : count;
    return (
      <span role="status" className="inline-flex items-center gap-1.5 text-xs font-medium text-warn">
        <TriangleAlert aria-hidden="true" className="size-3.5" />
        {which} data up to {formatClock(dataTo)}
        {answer.range && `, ${formatAge(now - dataTo)} old`}
      </span>
    );
  }
  if (answer.range === null) return null;
  const isOld = now - dataTo > Math.max(patiencePoints * answer.stepSeconds, 30) * 1000;
  return (
    <span className={isOld ? "text-xs font-medium text-warn" : "text-xs text-ink-3"} title={`Asked ${formatClock(askedAt)}`}>
      data up to {formatClock(dataTo)}
      {isOld && `, ${formatAge(now - dataTo)} old`}
    </span>
  );
}
