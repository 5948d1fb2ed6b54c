"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { isWanted, sentenceOf } from "#lib/client/alert-view.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import { AlertStanding } from "../../../ui/alerts/standing.tsx";
import { useAlertActions } from "../../../ui/alerts/use-alert-actions.ts";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { Severity, SeverityShape, severityWord } from "../../../ui/severity.tsx";
import { FlappingBadge } from "./flapping-badge.tsx";

const columns: Column<AlertRow>[] = [
  {
    id: "started",
    header: "Started",
    width: "w-24 max-md:w-20",
    essential: true,
    cell: (alert) => <TimeAgo at={alert.startsAt} className="text-ink-2" />,
  },
  {
    id: "severity",
    header: "Severity",
    width: "w-26",
    cell: (alert) => <Severity severity={alert.severity} />,
  },
  {
    id: "name",
    header: "Alert",
    width: "w-64 max-md:w-auto",
    essential: true,
    cell: (alert) => (
      <span className="flex min-w-0 items-center gap-2">
        <span title={severityWord(alert.severity)} className="md:hidden">
          <SeverityShape severity={alert.severity} />
          <span className="sr-only">{severityWord(alert.severity)}</span>
        </span>
        <Link href={`/alerts/${alert.id}`} tabIndex={-1} className="name truncate font-medium hover:underline" title={alert.name}>
          {alert.name}
        </Link>
        {alert.isFlapping && <FlappingBadge />}
      </span>
    ),
  },
  {
    id: "standing",
    header: "Standing",
    width: "w-34 max-md:w-32",
    essential: true,
    cell: (alert) => (
      <Tint value={alert.standing}>
        <AlertStanding standing={alert.standing} />
      </Tint>
    ),
  },
  {
    id: "service",
    header: "Service",
    width: "w-32",
    cell: (alert) => (
      <span className="name" title={alert.namespace ?? undefined}>
        {alert.service ?? "–"}
      </span>
    ),
  },
  {
    id: "duration",
    header: "Duration",
    width: "w-24",
    cell: (alert) => <Elapsed from={alert.startsAt} to={alert.endsAt} />,
  },
  {
    id: "summary",
    header: "What was wrong",
    cell: (alert) => (
      <span title={sentenceOf(alert)} className="text-ink-2">
        {sentenceOf(alert)}
      </span>
    ),
  },
  {
    id: "taken",
    header: "Taken by",
    width: "w-28",
    cell: (alert) => <span className="text-ink-2">{alert.acknowledgedBy ?? "–"}</span>,
  },
];

/** Episodes as rows, newest first; each opens under its address. */
export function HistoryTable({
  rows,
  isOld = false,
  empty,
  label = "Episodes",
  without = [],
}: {
  rows: AlertRow[];
  /** They answer the question before; the present one is on its way. */
  isOld?: boolean;
  empty: ReactNode;
  label?: string;
  /** Columns that say the same in each row. */
  without?: string[];
}) {
  const router = useRouter();
  const actions = useAlertActions();
  return (
    <div className={isOld ? "opacity-60" : undefined} aria-busy={isOld}>
      <DataTable
        label={label}
        columns={columns.filter(({ id }) => !without.includes(id))}
        rows={rows}
        keyOf={(alert) => alert.id}
        nameOf={(alert) => `${alert.name} ${severityWord(alert.severity)} ${alert.standing}`}
        onOpen={(alert) => router.push(`/alerts/${alert.id}`)}
        keys={{
          a: (alert) => isWanted(alert) && actions.acknowledge([alert]),
          s: (alert) => actions.silence({ alerts: [alert] }),
        }}
        stickyTop="top-9"
        empty={empty}
      />
    </div>
  );
}
