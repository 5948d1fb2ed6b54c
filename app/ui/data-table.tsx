"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { steadyOrder } from "#lib/client/fleet-view.ts";
import { cn } from "./class-names.ts";
import { isGoing } from "./keys.ts";
import { useNarrow } from "./use-narrow.ts";

export type Column<Row> = {
  id: string;
  header: string;
  /** A class for the width, e.g. "w-28"; columns without one share what is left. */
  width?: string;
  align?: "right";
  /** Shown also where the page is narrow. */
  essential?: boolean;
  sortable?: boolean;
  cell: (row: Row) => ReactNode;
};

export type Selection = { selected: ReadonlySet<string>; onChange: (selected: Set<string>) => void };

export type DataTableProps<Row> = {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  nameOf?: (row: Row) => string;
  sort?: { column: string; descending: boolean; onSort: (column: string) => void };
  onOpen?: (row: Row) => void;
  /** What a key does to the row that has the focus. */
  keys?: Record<string, (row: Row) => void>;
  /** A heading over the whole width in the place of a row's cells; null for an ordinary row. */
  band?: (row: Row) => ReactNode;
  selection?: Selection;
  /** Drawn below a row over the whole width, or null. */
  expanded?: (row: Row) => ReactNode;
  /** A second line under a row, for what must not be cut off; null for none. */
  note?: (row: Row) => ReactNode;
  isCurrent?: (row: Row) => boolean;
  empty: ReactNode;
  stickyTop?: string;
};

const rowHeight = 32;
const virtualFrom = 200;

/**
 * A table whose rows are reached with the arrow keys and opened with Enter. Rows keep their order while the pointer is over
 * them. Past 200 rows only those in sight are in the document; the page's main area is what scrolls.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, keyOf, sort, onOpen, keys, selection, expanded, note, isCurrent, empty, stickyTop = "top-0" } = props;
  const [pointed, setPointed] = useState(false);
  const order = useRef<{ keys: string[]; sort: string }>({ keys: [], sort: "" });
  const sortKey = `${sort?.column}${sort?.descending}`;
  const rows = pointed && order.current.sort === sortKey ? steadyOrder(order.current.keys, props.rows, keyOf) : props.rows;
  order.current = { keys: rows.map(keyOf), sort: sortKey };

  const body = useRef<HTMLTableSectionElement>(null);
  const [active, setActive] = useState<string | null>(null);
  const isVirtual = rows.length > virtualFrom && !expanded;
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    const main = body.current?.closest<HTMLElement>("[data-scroller]") ?? null;
    setScroller(main);
    if (main && body.current)
      setOffset(body.current.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop);
  }, []);
  const virtualizer = useVirtualizer({
    count: isVirtual ? rows.length : 0,
    getScrollElement: () => scroller,
    estimateSize: () => rowHeight,
    overscan: 20,
    scrollMargin: offset,
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const shown = isVirtual ? rows.slice(first, (items.at(-1)?.index ?? -1) + 1) : rows;
  const above = isVirtual ? first * rowHeight : 0;
  const below = isVirtual ? (rows.length - first - shown.length) * rowHeight : 0;
  // A cell that spans hidden columns too would make room for them.
  const isNarrow = useNarrow();
  const span = columns.filter((column) => column.essential || !isNarrow).length + (selection ? 1 : 0);
  const focusable = active !== null && rows.some((row) => keyOf(row) === active) ? active : rows[0] && keyOf(rows[0]);

  const focusRow = (index: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (row === undefined) return;
    const key = keyOf(row);
    setActive(key);
    if (isVirtual) virtualizer.scrollToIndex(index, { align: "auto" });
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus());
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, row: Row, index: number) => {
    if (event.target !== event.currentTarget) return;
    const steps: Record<string, number> = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: index - 1,
      k: index - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: index + 15,
      PageUp: index - 15,
    };
    const target = isPlain(event) ? steps[event.key] : undefined;
    if (target !== undefined) focusRow(target);
    else if (event.key === "Enter" && onOpen) onOpen(row);
    else if (event.key === "Escape" && onOpen && expanded?.(row)) onOpen(row);
    else if (event.key === " " && selection) toggle(keyOf(row));
    else if (keys && Object.hasOwn(keys, event.key) && isPlain(event) && !isGoing()) keys[event.key]?.(row);
    else return;
    event.preventDefault();
  };

  const toggle = (key: string) => {
    if (!selection) return;
    const next = new Set(selection.selected);
    if (!next.delete(key)) next.add(key);
    selection.onChange(next);
  };
  const allSelected = selection !== undefined && rows.length > 0 && rows.every((row) => selection.selected.has(keyOf(row)));

  return (
    <table aria-label={label} aria-rowcount={rows.length + 1} className="w-full table-fixed border-separate border-spacing-0">
      <thead>
        <tr className="h-8">
          {selection && (
            <th className={cn("sticky z-10 w-9 border-b bg-canvas pl-3 text-left", stickyTop)}>
              <input
                type="checkbox"
                aria-label="Select all"
                checked={allSelected}
                onChange={() => selection.onChange(new Set(allSelected ? [] : rows.map(keyOf)))}
                className="block size-3.5 accent-accent-solid"
              />
            </th>
          )}
          {columns.map((column) => (
            <th
              key={column.id}
              scope="col"
              aria-sort={sort?.column === column.id ? (sort.descending ? "descending" : "ascending") : undefined}
              className={cn(
                "sticky z-10 border-b bg-canvas px-2 text-left text-xs font-medium text-ink-3 first:pl-4 last:pr-4",
                stickyTop,
                column.width,
                column.align === "right" && "text-right",
                !column.essential && "max-md:hidden",
              )}
            >
              {sort && column.sortable !== false ? (
                <button
                  type="button"
                  onClick={() => sort.onSort(column.id)}
                  className={cn(
                    "inline-flex max-w-full items-center gap-1 rounded-sm hover:text-ink",
                    sort.column === column.id && "text-ink",
                  )}
                >
                  <span className="truncate">{column.header}</span>
                  {sort.column === column.id &&
                    (sort.descending ? (
                      <ArrowDown aria-hidden="true" className="size-3" />
                    ) : (
                      <ArrowUp aria-hidden="true" className="size-3" />
                    ))}
                </button>
              ) : (
                column.header
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} onPointerEnter={() => setPointed(true)} onPointerLeave={() => setPointed(false)}>
        {above > 0 && <SpacerRow height={above} span={span} />}
        {shown.map((row, index) => {
          const key = keyOf(row);
          const selected = selection?.selected.has(key) ?? false;
          const detail = expanded?.(row) ?? null;
          const noted = note?.(row) || null;
          const heading = props.band?.(row) ?? null;
          return [
            <tr
              key={key}
              data-key={key}
              aria-rowindex={first + index + 2}
              aria-selected={selection ? selected : undefined}
              aria-expanded={expanded ? detail !== null : undefined}
              aria-label={props.nameOf?.(row)}
              tabIndex={onOpen || selection ? (key === focusable ? 0 : -1) : undefined}
              onFocus={(event) => event.target === event.currentTarget && setActive(key)}
              onKeyDown={(event) => onKeyDown(event, row, first + index)}
              onClick={(event) => {
                if (!onOpen || (event.target as HTMLElement).closest("a,button,input,label,select")) return;
                if (window.getSelection()?.toString()) return;
                onOpen(row);
              }}
              className={cn(
                "h-8",
                onOpen && "cursor-pointer hover:bg-hover",
                onOpen && noted !== null && "has-[+tr:hover]:bg-hover",
                (selected || detail !== null || isCurrent?.(row)) && "bg-selected hover:bg-selected",
              )}
            >
              {selection && (
                <td className={cn(noted === null && "border-b", heading !== null && "bg-sunken", "pl-3")}>
                  <input
                    type="checkbox"
                    aria-label={`Select ${key}`}
                    checked={selected}
                    onChange={() => toggle(key)}
                    className="block size-3.5 accent-accent-solid"
                  />
                </td>
              )}
              {heading !== null && (
                <td colSpan={span - (selection ? 1 : 0)} className="border-b bg-sunken px-4">
                  {heading}
                </td>
              )}
              {(heading === null ? columns : []).map((column) => (
                <td
                  key={column.id}
                  className={cn(
                    noted === null && "border-b",
                    "truncate px-2 first:pl-4 last:pr-4",
                    column.align === "right" && "text-right",
                    !column.essential && "max-md:hidden",
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>,
            noted !== null && (
              <tr
                key={`${key} note`}
                onClick={() => onOpen?.(row)}
                className={cn(onOpen && "cursor-pointer hover:bg-hover [tr:hover+&]:bg-hover")}
              >
                <td colSpan={span} className="border-b px-4 pb-1.5">
                  {noted}
                </td>
              </tr>
            ),
            detail !== null && (
              <tr key={`${key} detail`}>
                <td colSpan={span} className="border-b bg-sunken p-0">
                  {detail}
                </td>
              </tr>
            ),
          ];
        })}
        {below > 0 && <SpacerRow height={below} span={span} />}
        {rows.length === 0 && (
          <tr>
            <td colSpan={span}>{empty}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

const isPlain = (event: KeyboardEvent) => !event.ctrlKey && !event.metaKey && !event.altKey;

const SpacerRow = ({ height, span }: { height: number; span: number }) => (
  <tr style={{ height }}>
    <td colSpan={span} />
  </tr>
);
