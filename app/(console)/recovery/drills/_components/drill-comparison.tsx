"use client";
import Link from "next/link";
import { comparedOf } from "#lib/client/drill-view.ts";
import { drillAddress, drillName, spanWords } from "#lib/client/recovery-view.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";
import { TimeAgo } from "../../../../ui/clock.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { VerdictMark } from "../../../../ui/recovery/marks.tsx";

/** The same drill over time: whether recovery becomes faster, against the same objective. */
export function DrillComparison({ detail }: { detail: DrillDetail }) {
  const rows = comparedOf(detail).toReversed();
  const objective = detail.drill.rtoObjectiveMs;
  const longest = Math.max(objective, ...rows.map(({ rtoMs }) => rtoMs ?? 0));
  return (
    <section aria-labelledby="over-time">
      <SectionHeader id="over-time" title="Over time" aside={`RTO of the same drill, objective ${spanWords(objective)}`} />
      {rows.length === 1 && <p className="px-4 pt-2 text-ink-3">It is the first of its kind.</p>}
      <ol aria-label="The same drill over time" className="grid gap-1 px-4 py-2">
        {rows.map((row) => (
          <li
            key={row.id}
            aria-current={row.isThis ? "true" : undefined}
            className="grid grid-cols-[3rem_5rem_1fr_5rem_7rem] items-center gap-x-3 max-sm:grid-cols-[3rem_1fr_5rem]"
          >
            {row.isThis ? (
              <span className="font-mono text-xs font-medium">{drillName(row)}</span>
            ) : (
              <Link href={drillAddress(row)} className="font-mono text-xs text-accent hover:underline">
                {drillName(row)}
              </Link>
            )}
            <span className="text-ink-3 max-sm:hidden">{row.startedAt ? <TimeAgo at={row.startedAt} /> : "–"}</span>
            <span aria-hidden="true" className="relative h-2 bg-line">
              <span
                className={cn("absolute inset-y-0 left-0", (row.rtoMs ?? 0) > objective ? "bg-bad-fill" : "bg-good-fill")}
                style={{ width: `${((row.rtoMs ?? 0) / longest) * 100}%` }}
              />
              <span className="absolute -inset-y-1 w-px bg-bad-fill" style={{ left: `${(objective / longest) * 100}%` }} />
            </span>
            <span className={cn("text-right", (row.rtoMs ?? 0) > objective && "text-bad")}>{spanWords(row.rtoMs)}</span>
            <span className="max-sm:hidden">{row.verdict ? <VerdictMark verdict={row.verdict} /> : "–"}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
