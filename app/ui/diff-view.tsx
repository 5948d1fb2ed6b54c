"use client";
import { UnfoldVertical } from "lucide-react";
import { useMemo, useState } from "react";
import { countChanges, type DiffRow, type DiffSide, foldUnchanged, sideBySide } from "#lib/client/side-by-side.ts";
import { cn } from "./class-names.ts";

/** Two templates beside each other; one above the other in lines where the page is narrow. */
export function TemplateDiff({
  before,
  after,
  beforeTitle,
  afterTitle,
  isLow = false,
}: {
  before: string;
  after: string;
  beforeTitle: string;
  afterTitle: string;
  /** Scrolls inside itself, for dialogs. */
  isLow?: boolean;
}) {
  const rows = useMemo(() => sideBySide(before, after), [before, after]);
  const blocks = useMemo(() => foldUnchanged(rows), [rows]);
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  const { added, removed } = countChanges(rows);
  return (
    <figure aria-label={`${beforeTitle} compared with ${afterTitle}`} className="overflow-hidden rounded-md border">
      <figcaption className="grid grid-cols-2 border-b bg-sunken text-xs font-medium text-ink-2">
        <span className="truncate px-3 py-1.5">{beforeTitle}</span>
        <span className="flex gap-2 truncate border-l px-3 py-1.5 max-sm:border-l-0">
          {afterTitle}
          <span className="ml-auto font-normal text-ink-3">
            {added + removed === 0 ? "no difference" : `+${added} −${removed}`}
          </span>
        </span>
      </figcaption>
      <div className={cn("font-mono text-xs leading-5", isLow && "scroll-thin max-h-72 overflow-y-auto")}>
        {blocks.map((block, index) => {
          const start = block.rows[0]?.left?.number ?? block.rows[0]?.right?.number ?? 0;
          if (block.kind === "folded" && !unfolded.has(start)) {
            return (
              <button
                key={`fold ${start}`}
                type="button"
                onClick={() => setUnfolded(new Set([...unfolded, start]))}
                className={cn(
                  "flex w-full items-center gap-2 bg-sunken px-3 py-1 font-sans text-2xs text-ink-3 hover:text-ink",
                  index > 0 && "border-t",
                  index < blocks.length - 1 && "border-b",
                )}
              >
                <UnfoldVertical aria-hidden="true" className="size-3" /> {block.rows.length} equal lines
              </button>
            );
          }
          return block.rows.map((row) => <Row key={`${row.left?.number} ${row.right?.number}`} row={row} />);
        })}
      </div>
    </figure>
  );
}

function Row({ row }: { row: DiffRow }) {
  const isSame = row.kind === "same";
  return (
    <div className="grid sm:grid-cols-2">
      <Side side={row.left} kind={isSame ? "same" : "removed"} hiddenWhenNarrow={row.left === null} />
      <Side
        side={row.right}
        kind={isSame ? "same" : "added"}
        hiddenWhenNarrow={isSame || row.right === null}
        className="sm:border-l"
      />
    </div>
  );
}

function Side({
  side,
  kind,
  hiddenWhenNarrow,
  className,
}: {
  side: DiffSide | null;
  kind: "same" | "added" | "removed";
  hiddenWhenNarrow: boolean;
  className?: string;
}) {
  return (
    <div
      className={cn(
        "flex min-w-0",
        side === null && "bg-sunken",
        side && kind === "added" && "bg-(--diff-added)",
        side && kind === "removed" && "bg-(--diff-removed)",
        hiddenWhenNarrow && "max-sm:hidden",
        className,
      )}
    >
      <span aria-hidden="true" className="w-9 shrink-0 select-none pr-2 text-right text-ink-3">
        {side?.number}
      </span>
      <span aria-hidden="true" className="w-3 shrink-0 select-none text-ink-3">
        {side && kind === "added" ? "+" : side && kind === "removed" ? "−" : ""}
      </span>
      <span className="min-w-0 flex-1 whitespace-pre-wrap break-words pr-2">
        {side?.segments.map((segment, index) => {
          const key = `${index} ${segment.text}`;
          if (!segment.changed) return <span key={key}>{segment.text}</span>;
          return (
            <mark
              key={key}
              className={cn("rounded-xs text-ink", kind === "added" ? "bg-(--diff-added-word)" : "bg-(--diff-removed-word)")}
            >
              {segment.text}
            </mark>
          );
        })}
      </span>
    </div>
  );
}
