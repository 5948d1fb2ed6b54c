"use client";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { drillAddress, drillName } from "#lib/client/recovery-view.ts";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { RunMark, runWord, VerdictMark, verdictWord } from "../../../ui/recovery/marks.tsx";
import { Measured } from "../../../ui/recovery/measured.tsx";
import { SubjectLink } from "../../../ui/recovery/subject-link.tsx";

const wordOf = ({ verdict, state }: DrillView) => (verdict ? verdictWord(verdict) : runWord(state));

const columns: Column<DrillView>[] = [
  {
    id: "verdict",
    header: "Verdict",
    width: "w-32 max-md:w-28",
    essential: true,
    cell: ({ verdict, state }) => (
      <Tint value={verdict ?? state}>{verdict ? <VerdictMark verdict={verdict} /> : <RunMark state={state} />}</Tint>
    ),
  },
  {
    id: "number",
    header: "Drill",
    width: "w-14",
    cell: (drill) => <span className="font-mono text-xs text-ink-3">{drillName(drill)}</span>,
  },
  { id: "title", header: "Scenario", width: "w-52 max-md:w-auto", essential: true, cell: ({ title }) => title },
  { id: "subject", header: "Service", width: "w-28", cell: ({ subject }) => <SubjectLink subject={subject} /> },
  {
    id: "rto",
    header: "RTO",
    width: "w-32",
    essential: true,
    cell: ({ rtoMs, rtoObjectiveMs, errorMs }) => <Measured ms={rtoMs} objectiveMs={rtoObjectiveMs} errorMs={errorMs} />,
  },
  {
    id: "rpo",
    header: "RPO",
    width: "w-28",
    cell: ({ rpoMs, rpoObjectiveMs, errorMs }) => <Measured ms={rpoMs} objectiveMs={rpoObjectiveMs} errorMs={errorMs} />,
  },
  {
    id: "lost",
    header: "Lost writes",
    width: "w-24",
    align: "right",
    cell: ({ lostWrites }) => (
      <span className={lostWrites ? "font-medium text-bad" : "text-ink-2"}>{lostWrites?.toLocaleString("en-US") ?? "–"}</span>
    ),
  },
  {
    id: "message",
    header: "In words",
    cell: ({ message }) => (
      <span title={message} className="text-ink-2">
        {message}
      </span>
    ),
  },
  {
    id: "at",
    header: "When",
    width: "w-24",
    align: "right",
    cell: ({ startedAt, createdAt }) => <TimeAgo at={startedAt ?? createdAt} className="text-ink-2" />,
  },
];

/** Drills as rows; each opens under its address. */
export function DrillTable({ drills, label = "Drills", empty }: { drills: DrillView[]; label?: string; empty: ReactNode }) {
  const router = useRouter();
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={drills}
      keyOf={({ id }) => id}
      nameOf={(drill) => `${drill.title} of ${drill.subject}: ${wordOf(drill)}`}
      onOpen={(drill) => router.push(drillAddress(drill))}
      empty={empty}
    />
  );
}
