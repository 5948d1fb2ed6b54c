"use client";
import { useState } from "react";
import { type TimelineFilter, timelineFilterNames, timelineFilters, timelineRows } from "#lib/client/incident-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { IncidentDetail, TimelineRow } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { useIsLive } from "../../../ui/clock.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { Composer } from "./composer.tsx";
import { EventDialog } from "./event-dialog.tsx";
import { TimelineLine } from "./timeline-line.tsx";

/** What happened, newest first: written by Switchyard and by people. */
export function Timeline({ incident }: { incident: IncidentDetail }) {
  const [search, setSearch] = useUrlState();
  const filter = timelineFilters.find((each) => each === search.get("show")) ?? "all";
  const [withHidden, setWithHidden] = useState(false);
  const [editing, setEditing] = useState<TimelineRow | null>(null);
  // What was typed is kept in the browser, where the server cannot look.
  const isLive = useIsLive();
  const rows = timelineRows(incident.timeline, filter, withHidden);
  const hidden = incident.timeline.filter(({ isHidden }) => isHidden).length;
  const older = incident.timelineTotal - incident.timeline.length;
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
        {rows.map((row) => (
          <TimelineLine key={row.id} row={row} onEdit={setEditing} />
        ))}
        {rows.length === 0 && <li className="px-4 py-3 text-ink-3">Nothing of this kind has happened.</li>}
      </ol>
      {older > 0 && <p className="px-4 py-2 text-ink-3">{countOf(older, "older entry", "older entries")} by the API.</p>}
      {editing && <EventDialog incident={incident} row={editing} onClose={() => setEditing(null)} />}
    </section>
  );
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
