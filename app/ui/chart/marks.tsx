"use client";
import {
  Archive,
  CircleAlert,
  Dumbbell,
  Layers,
  Pause,
  Pencil,
  Play,
  RotateCcw,
  RotateCw,
  Scaling,
  Tag,
  Wrench,
} from "lucide-react";
import Link from "next/link";
import { Popover as Radix } from "radix-ui";
import { memo, type ReactNode, useRef, useState } from "react";
import { verbName } from "#lib/client/action-texts.ts";
import type { Plot } from "#lib/client/chart-geometry.ts";
import { formatDelta, groupMarks, type MarkGroup } from "#lib/client/chart-marks.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { ServiceFigures } from "#lib/domain/fleet/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { Unit } from "#lib/domain/metrics/schemas.ts";
import { cn } from "../class-names.ts";
import { TimeAgo } from "../clock.tsx";
import { OutcomeStatus } from "../status.tsx";

const markPixels = 16;
const mostInCard = 6;

const icons: Record<string, typeof Tag> = {
  image: Tag,
  deploy: Tag,
  scale: Scaling,
  rollback: RotateCcw,
  restart: RotateCw,
  pause: Pause,
  resume: Play,
  backup: Archive,
  drill: Dumbbell,
  incident: CircleAlert,
  edit: Pencil,
  template: Pencil,
};

const iconOf = (verb: string) => icons[verb.split(".").at(-1) ?? verb] ?? Wrench;

/** What was done, above the plot where it was done; what lies close together as one, with their number. */
export const MarkLane = memo(function MarkLane({
  marks,
  plot,
  title,
}: {
  marks: readonly LedgerMark[];
  plot: Plot;
  title: string;
}) {
  return groupMarks(plot, marks, markPixels - 2).map((group) => (
    <MarkButton key={group.marks[0]?.id} group={group} plot={plot} title={title} />
  ));
});

function MarkButton({ group, plot, title }: { group: MarkGroup<LedgerMark>; plot: Plot; title: string }) {
  const [open, setOpen] = useState(false);
  /** Opened, or kept open, by a click or a key: then the pointer may leave. */
  const pinned = useRef(false);
  const leaving = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const newest = group.marks.at(-1);
  if (!newest) return null;
  const Icon = group.marks.length > 1 ? Layers : iconOf(newest.verb);
  const hasFailed = group.marks.some(
    ({ outcome, rolloutState }) => outcome === "failed" || rolloutState === "failed" || rolloutState === "aborted",
  );
  const hover = {
    onPointerEnter: () => {
      clearTimeout(leaving.current);
      setOpen(true);
    },
    onPointerLeave: () => {
      leaving.current = setTimeout(() => !pinned.current && setOpen(false), 160);
    },
  };
  const change = (next: boolean) => {
    setOpen(next);
    if (next) pinned.current = true;
  };
  return (
    <>
      <span
        aria-hidden="true"
        className={cn(
          "pointer-events-none absolute w-px opacity-45",
          hasFailed ? "bg-bad-fill" : "bg-ink-3",
          open && "opacity-100",
        )}
        style={{ left: group.x, top: plot.top - 2, height: plot.height + 2 }}
      />
      <Radix.Root open={open} onOpenChange={change}>
        <Radix.Trigger
          {...hover}
          // A click on what the pointer has opened pins it instead of closing it.
          onClick={(event) => {
            if (open && !pinned.current) {
              event.preventDefault();
              pinned.current = true;
            }
          }}
          aria-label={`${title}: ${group.marks.map(markWords).join("; ")}`}
          className={cn(
            "absolute z-10 grid size-4 -translate-x-1/2 place-items-center rounded-full border bg-canvas text-ink-2 hover:z-20 hover:border-ink-3 hover:text-ink",
            newest.actorKind === "external" && "border-dashed border-ink-3",
            hasFailed && "border-bad-fill text-bad",
          )}
          style={{ left: group.x, top: plot.top - markPixels - 1 }}
        >
          <Icon aria-hidden="true" className="size-2.5" strokeWidth={2.4} />
        </Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            {...hover}
            side="bottom"
            sideOffset={4}
            collisionPadding={8}
            onOpenAutoFocus={(event) => event.preventDefault()}
            onCloseAutoFocus={(event) => {
              if (!pinned.current) event.preventDefault();
              pinned.current = false;
            }}
            aria-label="What was done"
            className="scroll-thin z-30 max-h-80 w-80 max-w-[calc(100vw-16px)] divide-y overflow-y-auto rounded-lg border bg-raised shadow-float outline-none"
          >
            {group.marks
              .toReversed()
              .slice(0, mostInCard)
              .map((mark) => (
                <MarkCard key={mark.id} mark={mark} />
              ))}
            {group.marks.length > mostInCard && (
              <p className="px-3 py-1.5 text-xs text-ink-3">
                and {group.marks.length - mostInCard} more: zoom in to tell them apart.
              </p>
            )}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </>
  );
}

export const markWords = (mark: LedgerMark) =>
  `${verbName(mark.verb)} ${mark.title} by ${mark.actor}, ${formatAbsolute(mark.at)}`.replace(/ {2,}/g, " ");

/** One thing that was done: by whom, why, what was measured before and after, and where to read on. */
export function MarkCard({ mark }: { mark: LedgerMark }) {
  return (
    <div className="px-3 py-2 text-xs">
      <p className="flex items-start gap-2">
        <span className="min-w-0 flex-1 text-sm font-medium">
          {verbName(mark.verb)} <span className="font-normal">{mark.title}</span>
        </span>
        <OutcomeStatus outcome={mark.rolloutState ?? mark.outcome} className="text-xs" />
      </p>
      <p className="text-ink-2">
        by <span className="font-medium text-ink">{mark.actor}</span>
        {actorNotes[mark.actorKind]}, <TimeAgo at={mark.at} />
      </p>
      <p className="text-2xs text-ink-3">{formatAbsolute(mark.at)}</p>
      {mark.reason && <p className="mt-1 break-words text-ink-2">“{mark.reason}”</p>}
      <Figures before={mark.before} after={mark.after} />
      <p className="mt-1.5 flex gap-3">
        {mark.rolloutId && <CardLink href={`/rollouts/${mark.rolloutId}`}>Rollout</CardLink>}
        <CardLink href={`/audit?entry=${mark.id}`}>Audit entry</CardLink>
      </p>
    </div>
  );
}

const actorNotes: Record<LedgerMark["actorKind"], string> = {
  user: "",
  token: " (a token)",
  system: " (Switchyard itself)",
  external: " (outside Switchyard)",
};

const CardLink = ({ href, children }: { href: string; children: ReactNode }) => (
  <Link href={href} className="font-medium text-accent hover:underline">
    {children}
  </Link>
);

const figureNames: [keyof ServiceFigures, string, Unit][] = [
  ["requestsPerSecond", "Rate", "per-second"],
  ["errorRatio", "Errors", "ratio"],
  ["latencyP95Seconds", "p95", "seconds"],
];

function Figures({ before, after }: { before: ServiceFigures | null; after: ServiceFigures | null }) {
  const rows = figureNames.filter(([key]) => before?.[key] != null || after?.[key] != null);
  if (rows.length === 0) {
    return (
      <p className="mt-1 text-2xs text-ink-3">{before || after ? "Nothing was measured around it." : "Not measured yet."}</p>
    );
  }
  return (
    <table className="mt-1.5 w-full">
      <thead className="text-2xs text-ink-3">
        <tr>
          <th className="text-left font-normal">measured</th>
          <th className="text-right font-normal">the minute before</th>
          <th className="text-right font-normal">after</th>
          <th className="w-16" />
        </tr>
      </thead>
      <tbody>
        {rows.map(([key, name, unit]) => (
          <tr key={key}>
            <td className="text-ink-2">{name}</td>
            <td className="text-right">{formatFigure(before?.[key], unit)}</td>
            <td className="text-right font-medium">{after ? formatFigure(after[key], unit) : "not yet"}</td>
            <td className="text-right text-ink-2">{formatDelta(before?.[key], after?.[key]) ?? ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
