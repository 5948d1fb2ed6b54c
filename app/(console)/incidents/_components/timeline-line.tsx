"use client";
import {
  Activity,
  BellRing,
  ChartLine,
  CircleDot,
  Footprints,
  HeartPulse,
  type LucideIcon,
  Megaphone,
  MessageSquareText,
  PencilLine,
  RefreshCcw,
  RotateCw,
  Settings2,
  Siren,
  UserRound,
} from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { TimelineKind, TimelineRow } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo, useIsLive } from "../../../ui/clock.tsx";
import { Markdown } from "../../../ui/markdown.tsx";

const kinds: Record<TimelineKind, { icon: LucideIcon; word: string; color?: string }> = {
  opened: { icon: Siren, word: "Opened", color: "text-bad" },
  alert: { icon: BellRing, word: "Alert", color: "text-warn" },
  action: { icon: Footprints, word: "Action", color: "text-accent" },
  rollout: { icon: RefreshCcw, word: "Rollout", color: "text-accent" },
  restart: { icon: RotateCw, word: "Restart", color: "text-warn" },
  config: { icon: Settings2, word: "Configuration", color: "text-accent" },
  step: { icon: CircleDot, word: "Step" },
  changed: { icon: PencilLine, word: "Changed" },
  person: { icon: UserRound, word: "People" },
  escalated: { icon: Activity, word: "Escalated", color: "text-bad" },
  recovery: { icon: HeartPulse, word: "Recovery", color: "text-good" },
  update: { icon: Megaphone, word: "Update", color: "text-held" },
  note: { icon: MessageSquareText, word: "Note" },
};

const audiences = { internal: "for the team", external: "for those outside" } as const;

/** What people wrote; the rest is written by Switchyard and keeps its words. */
export const isOfPeople = ({ kind, source }: Pick<TimelineRow, "kind" | "source">) =>
  source === null && (kind === "note" || kind === "update");

/** One row: when, what, by whom, and the way to the charts of that instant. */
export const TimelineLine = memo(function TimelineLine({
  row,
  refusal,
  onEdit,
}: {
  row: TimelineRow;
  /** Why the person may not edit it. */
  refusal: string | null;
  onEdit: (row: TimelineRow) => void;
}) {
  const { icon: Icon, word, color } = kinds[row.kind];
  return (
    <li
      className={cn(
        "group grid animate-[appear_400ms] grid-cols-[3.5rem_minmax(0,1fr)_auto] items-start gap-x-3 border-b px-4 py-1.5 sm:grid-cols-[4.5rem_7.5rem_minmax(0,1fr)_auto]",
        row.isHidden && "opacity-50",
      )}
    >
      <RowTime row={row} />
      <span className={cn("inline-flex items-center gap-1.5 font-medium max-sm:hidden", color)}>
        <Icon aria-hidden="true" className="size-3.5 shrink-0" /> {word}
      </span>
      <div className="min-w-0">
        <span className="sr-only sm:hidden">{word}: </span>
        {isOfPeople(row) ? (
          <Markdown text={row.message} topLevel={4} />
        ) : (
          <p className={cn("break-words", row.kind === "recovery" && "font-medium")}>{row.message}</p>
        )}
        <p className="text-xs text-ink-3">
          {row.by}
          {row.audience && `, ${audiences[row.audience]}`}
          {row.editedAt && (
            <>
              {" "}
              · edited by {row.editedBy} <TimeAgo at={row.editedAt} />
            </>
          )}
          {row.isHidden && " · hidden"}
        </p>
      </div>
      <span className="flex items-center gap-1">
        {row.href && (
          <Link
            href={row.href}
            title="The charts at that instant"
            aria-label={`Charts at ${row.at}`}
            className="grid size-6 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
          >
            <ChartLine aria-hidden="true" className="size-3.5" />
          </Link>
        )}
        <Button
          size="small"
          look="ghost"
          disabledReason={refusal}
          aria-label={`Edit: ${word}`}
          onClick={() => onEdit(row)}
          className="size-6 p-0 opacity-0 focus-visible:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100"
        >
          <PencilLine aria-hidden="true" />
        </Button>
      </span>
    </li>
  );
});

// The server's zone is not the viewer's: times are written once the page lives.
function RowTime({ row }: { row: TimelineRow }) {
  const isLive = useIsLive();
  const late = Date.parse(row.recordedAt) - Date.parse(row.at) > 60_000;
  const title = late ? `${formatAbsolute(row.at)}, written ${formatAbsolute(row.recordedAt)}` : formatAbsolute(row.at);
  return (
    <time dateTime={row.at} title={isLive ? title : undefined} className="text-ink-3">
      {isLive ? formatClock(row.at) : ""}
    </time>
  );
}
