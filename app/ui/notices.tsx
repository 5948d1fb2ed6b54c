"use client";
import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { messageOf, problemOf } from "#lib/client/api.ts";
import { Button } from "./button.tsx";
import { cn } from "./class-names.ts";
import { TimeAgo } from "./clock.tsx";

/** What failed, since when, what still works, and what to do. */
export function ErrorNotice({
  what,
  error,
  since,
  still,
  onRetry,
  className,
}: {
  what: string;
  error: unknown;
  since?: number;
  still?: string;
  onRetry?: () => void;
  className?: string;
}) {
  const requestId = problemOf(error)?.requestId;
  return (
    <div
      role="alert"
      className={cn("flex items-start gap-2.5 rounded-md border border-bad-fill/40 bg-bad-soft px-3 py-2.5", className)}
    >
      <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-bad">
          {what}
          {since ? (
            <span className="font-normal">
              {" "}
              · <TimeAgo at={new Date(since).toISOString()} />
            </span>
          ) : null}
        </p>
        <p className="break-words text-ink-2">
          {messageOf(error)}
          {still ? ` ${still}` : ""}
        </p>
        {requestId && <p className="font-mono text-2xs text-ink-3">request {requestId}</p>}
      </div>
      {onRetry && (
        <Button size="small" onClick={onRetry}>
          <RotateCw aria-hidden="true" /> Try again
        </Button>
      )}
    </div>
  );
}

/** What would be here, and the one way to get it. */
export function Empty({ title, children, className }: { title: string; children?: ReactNode; className?: string }) {
  return (
    <div className={cn("px-4 py-10 text-center", className)}>
      <p className="font-medium text-ink-2">{title}</p>
      {children && <div className="mx-auto mt-1 max-w-md text-ink-3">{children}</div>}
    </div>
  );
}

/** What filters leave nothing of, and the way to see more. */
export function NoneFits({
  thing,
  within,
  way = "Clear the filters",
  onClear,
}: {
  /** What is listed, one of it, e.g. "backup". */
  thing: string;
  /** What narrows the list besides, e.g. "in this time". */
  within?: string;
  way?: string;
  onClear: () => void;
}) {
  return (
    <Empty title={["No", thing, "fits these filters", within].filter(Boolean).join(" ")}>
      <Button onClick={onClear} className="mt-2">
        {way}
      </Button>
    </Empty>
  );
}

export const Skeleton = ({ className }: { className?: string }) => (
  <span aria-hidden="true" className={cn("block animate-[breathe_1.6s_ease-in-out_infinite] rounded-sm bg-line", className)} />
);

const barWidths = ["w-24", "w-16", "w-20", "w-12", "w-28", "w-14", "w-10", "w-18"];
const rowNames = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/** The shape of a table that is on its way. */
export function TableSkeleton({ rows = 8, columns = 6 }: { rows?: number; columns?: number }) {
  return (
    <div role="status" aria-label="Loading">
      {rowNames.slice(0, rows).map((row, index) => (
        <div key={row} className="flex h-8 items-center gap-8 border-b px-4">
          {barWidths.slice(0, columns).map((_, column) => {
            const width = barWidths[(index * 3 + column) % barWidths.length] ?? "w-16";
            return <Skeleton key={`${row}${width}`} className={cn("h-2.5", width, column > 2 && "max-md:hidden")} />;
          })}
        </div>
      ))}
    </div>
  );
}
