"use client";
import Link from "next/link";
import { useState } from "react";
import { actorWords, verbName } from "#lib/client/action-texts.ts";
import { formatDelta } from "#lib/client/chart-marks.ts";
import { countOf, formatFigure } from "#lib/client/numbers.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { SeverityShape, severityColor } from "../../../../../ui/severity.tsx";
import { OutcomeShape } from "../../../../../ui/status.tsx";

type Entry = { at: string; mark: LedgerMark } | { at: string; span: AlertSpan };

const shownAtFirst = 2;

/** What was done and what fired in the time that the charts show, newest first: what changed just before. */
export function ChangesStrip({ marks, spans }: { marks: readonly LedgerMark[]; spans: readonly AlertSpan[] }) {
  const [isOpen, setOpen] = useState(false);
  const entries: Entry[] = [
    ...marks.map((mark) => ({ at: mark.at, mark })),
    ...spans.map((span) => ({ at: span.startsAt, span })),
  ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  if (entries.length === 0) return null;
  const more = entries.length - shownAtFirst;
  return (
    <section aria-label="Changes and alerts in this time" className="border-b px-4 py-1 text-xs">
      <ol>
        {entries.slice(0, isOpen ? undefined : shownAtFirst).map((entry) => (
          <li key={"mark" in entry ? entry.mark.id : entry.span.id} className="flex min-h-6 min-w-0 items-center gap-2">
            <TimeAgo at={entry.at} className="w-16 shrink-0 whitespace-nowrap text-ink-3" />
            {"mark" in entry ? <Mark mark={entry.mark} /> : <Span span={entry.span} />}
          </li>
        ))}
      </ol>
      {more > 0 && (
        <button
          type="button"
          onClick={() => setOpen(!isOpen)}
          aria-expanded={isOpen}
          className="pb-0.5 text-accent hover:underline"
        >
          {isOpen ? "Fewer" : `${countOf(more, "earlier change or alert", "earlier changes and alerts")}`}
        </button>
      )}
    </section>
  );
}

function Mark({ mark }: { mark: LedgerMark }) {
  const { before, after } = mark;
  const moved = formatDelta(before?.latencyP95Seconds, after?.latencyP95Seconds);
  return (
    <>
      <OutcomeShape outcome={mark.rolloutState ?? mark.outcome} />
      <Link
        href={mark.rolloutId ? `/rollouts/${mark.rolloutId}` : `/audit?entry=${mark.id}`}
        className="shrink-0 font-medium hover:underline"
      >
        {verbName(mark.verb)} {mark.title}
      </Link>
      <span className="shrink-0 text-ink-2">by {actorWords(mark)}</span>
      {before && after && (
        <span className="shrink-0 whitespace-nowrap text-ink-2 max-lg:hidden">
          p95 {formatFigure(before.latencyP95Seconds, "seconds")} → {formatFigure(after.latencyP95Seconds, "seconds")}
          {moved && ` (${moved})`}, errors {formatFigure(before.errorRatio, "ratio")} → {formatFigure(after.errorRatio, "ratio")}
        </span>
      )}
      {mark.reason && <span className="min-w-0 truncate text-ink-3">“{mark.reason}”</span>}
    </>
  );
}

function Span({ span }: { span: AlertSpan }) {
  return (
    <>
      <SeverityShape severity={span.severity} className="size-2.5" />
      <Link
        href={`/alerts/${span.id}`}
        className={`min-w-0 truncate font-medium hover:underline ${severityColor(span.severity)}`}
      >
        {span.name}
      </Link>
      <span className="text-ink-2">
        {span.endsAt === null ? (
          "firing"
        ) : (
          <>
            ended <TimeAgo at={span.endsAt} />
          </>
        )}
        {span.acknowledged && ", acknowledged"}
      </span>
    </>
  );
}
