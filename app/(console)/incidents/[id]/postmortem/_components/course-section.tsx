"use client";
import Link from "next/link";
import { useState } from "react";
import { formatFigure } from "#lib/client/numbers.ts";
import { isWritten } from "#lib/domain/incidents/postmortem/facts-markdown.ts";
import type { FactRow, PostmortemFacts } from "#lib/domain/incidents/postmortem/schemas.ts";
import { formatUtc } from "#lib/domain/times.ts";
import { Button } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";

const firstRows = 40;

/** What went on: what was changed before the impact, and the timeline. It is the incident's own, so it is edited there. */
export function CourseSection({ incidentId, facts }: { incidentId: string; facts: PostmortemFacts }) {
  const [isWhole, setWhole] = useState(false);
  const { suspects, timeline, timelineTotal } = facts;
  const rows = isWhole ? timeline : timeline.slice(0, firstRows);
  return (
    <>
      <section aria-label="Changes before the impact" className="border-t">
        <SectionHeader title="Changes before the impact" aside="the likeliest cause first" />
        {suspects.length === 0 ? (
          <p className="border-b px-4 py-2 text-ink-2">No change is known within the 30 minutes before the impact.</p>
        ) : (
          <ol>
            {suspects.map((suspect) => (
              <Suspect key={suspect.href + suspect.at} suspect={suspect} />
            ))}
          </ol>
        )}
      </section>
      <section aria-label="Timeline">
        <SectionHeader title="Timeline" aside={timelineTotal > 0 ? timelineTotal.toLocaleString("en-US") : undefined}>
          <Link href={`/incidents/${incidentId}`} className="text-xs text-accent hover:underline">
            Notes and edits on the incident
          </Link>
        </SectionHeader>
        {timeline.length === 0 && <p className="px-4 py-2 text-ink-2">Nothing was recorded.</p>}
        <ol>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are read only and keep their order.
            <Row key={`${index} ${row.at}`} row={row} />
          ))}
        </ol>
        {rows.length < timeline.length && (
          <p className="p-2 text-center">
            <Button size="small" onClick={() => setWhole(true)}>
              Show all {timeline.length.toLocaleString("en-US")} rows
            </Button>
          </p>
        )}
        {isWhole && timeline.length < timelineTotal && (
          <p className="px-4 py-2 text-ink-3">{timelineTotal - timeline.length} more rows are on the incident's page.</p>
        )}
      </section>
    </>
  );
}

function Suspect({ suspect }: { suspect: PostmortemFacts["suspects"][number] }) {
  const { message, href, actor, closeness, before, after } = suspect;
  return (
    <li className="border-b px-4 py-1.5">
      <Link href={href} className="font-medium hover:underline">
        {message}
      </Link>
      <span className="block text-xs text-ink-3">
        {closeness} · by {actor}
      </span>
      {before && after && (
        <span className="block text-xs text-ink-2">
          p95 {formatFigure(before.latencyP95Seconds, "seconds")} → {formatFigure(after.latencyP95Seconds, "seconds")}, errors{" "}
          {formatFigure(before.errorRatio, "ratio")} → {formatFigure(after.errorRatio, "ratio")}
        </span>
      )}
    </li>
  );
}

function Row({ row }: { row: FactRow }) {
  const { at, kind, message, by, href } = row;
  return (
    <li className="grid grid-cols-[5.5rem_minmax(0,1fr)_auto] items-start gap-x-3 border-b px-4 py-1 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
      <time dateTime={at} className="text-xs leading-5 text-ink-3 tabular-nums">
        {formatUtc(at)}
      </time>
      <div className="min-w-0">
        {isWritten(row) ? (
          <Markdown text={message} topLevel={4} />
        ) : (
          <span className={cn("break-words", (kind === "recovery" || kind === "opened") && "font-medium")}>{message}</span>
        )}{" "}
        <span className="text-xs text-ink-3">{by}</span>
      </div>
      {href && (
        <Link href={href} className="text-xs leading-5 text-accent hover:underline">
          chart
        </Link>
      )}
    </li>
  );
}
