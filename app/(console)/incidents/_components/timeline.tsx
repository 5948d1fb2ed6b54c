"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type TimelineFilter, timelineFilterNames, timelineFilters, timelineRows } from "#lib/client/incident-view.ts";
import { timelineQuery } from "#lib/client/incidents.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { IncidentDetail, TimelineRow } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { useIsLive } from "../../../ui/clock.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { Composer } from "./composer.tsx";
import { EventDialog } from "./event-dialog.tsx";
import { TimelineLine } from "./timeline-line.tsx";

const shownAtFirst = 200;
const shownMore = 500;

/** What happened, newest first: written by Switchyard and by people. */
export function Timeline({ incident }: { incident: IncidentDetail }) {
  const [search, setSearch] = useUrlState();
  const filter = timelineFilters.find((each) => each === search.get("show")) ?? "all";
  const [withHidden, setWithHidden] = useState(false);
  const [editing, setEditing] = useState<TimelineRow | null>(null);
  // What was typed is kept in the browser, where the server cannot look.
  const isLive = useIsLive();
  const [most, setMost] = useState(shownAtFirst);
  const [withOlder, setWithOlder] = useState(false);
  const older = useInfiniteQuery({ ...timelineQuery(incident.id), enabled: withOlder });
  const refusal = useRoleRefusal("operator");
  const timeline = withRows(incident.timeline, older.data?.pages.flatMap((page) => page.items) ?? []);
  const rows = timelineRows(timeline, filter, withHidden);
  const hidden = timeline.filter(({ isHidden }) => isHidden).length;
  const missing = incident.timelineTotal - timeline.length;
  const left = Math.max(0, rows.length - most) + missing;
  const showOlder = () => {
    setMost(most + shownMore);
    if (rows.length >= most + shownMore || missing === 0) return;
    if (older.data) void older.fetchNextPage();
    else setWithOlder(true);
  };
  return (
    <section aria-labelledby="timeline">
      <SectionHeader id="timeline" title="Timeline" aside={countOf(rows.length, "entry", "entries")}>
        <Filters value={filter} onChange={(next) => setSearch({ show: next === "all" ? null : next })} />
        {hidden > 0 && (
          <Button size="small" look="ghost" aria-pressed={withHidden} onClick={() => setWithHidden(!withHidden)}>
            {withHidden ? "Without" : "With"} {hidden} hidden
          </Button>
        )}
      </SectionHeader>
      {isLive ? <Composer incident={incident} /> : <div className="h-12 border-b bg-sunken" />}
      <ol aria-label="Timeline">
        {rows.slice(0, most).map((row) => (
          <TimelineLine key={row.id} row={row} refusal={refusal} onEdit={setEditing} />
        ))}
        {rows.length === 0 && <li className="px-4 py-3 text-ink-3">Nothing of this kind has happened.</li>}
      </ol>
      {withOlder && older.error && (
        <ErrorNotice
          className="m-4"
          what="The older entries could not be read"
          error={older.error}
          onRetry={() => older.refetch()}
        />
      )}
      {left > 0 && (
        <div className="p-4 text-center">
          <Button busy={older.isFetching} onClick={showOlder}>
            Show older ones ({left.toLocaleString("en-US")})
          </Button>
        </div>
      )}
      {editing && <EventDialog incident={incident} row={editing} onClose={() => setEditing(null)} />}
    </section>
  );
}

/** Rows by their id: of one that both have, what is followed is newer. */
function withRows(followed: readonly TimelineRow[], read: readonly TimelineRow[]): TimelineRow[] {
  const known = new Set(followed.map(({ id }) => id));
  return [...followed, ...read.filter(({ id }) => !known.has(id))];
}

function Filters({ value, onChange }: { value: TimelineFilter; onChange: (filter: TimelineFilter) => void }) {
  return (
    <span role="toolbar" aria-label="Show" className="flex gap-0.5">
      {timelineFilters.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === value}
          onClick={() => onChange(each)}
          className={cn(
            "h-6 rounded-md px-2 text-xs text-ink-2 hover:bg-hover hover:text-ink",
            each === value && "bg-selected font-medium text-ink",
          )}
        >
          {timelineFilterNames[each]}
        </button>
      ))}
    </span>
  );
}
