"use client";
import { useQuery } from "@tanstack/react-query";
import { CalendarPlus, Pencil, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { deleteDrillSchedule, drillSchedulesQuery } from "#lib/client/drills.ts";
import { drillAddress, drillName, subjectTitle } from "#lib/client/recovery-view.ts";
import { scheduleWords } from "#lib/client/schedule-view.ts";
import type { DrillScheduleView } from "#lib/domain/recovery/drills/schemas.ts";
import { Answer } from "../../../../ui/answer.tsx";
import { Button } from "../../../../ui/button.tsx";
import { type Column, DataTable } from "../../../../ui/data-table.tsx";
import { Empty, TableSkeleton } from "../../../../ui/notices.tsx";
import { RunMark, VerdictMark } from "../../../../ui/recovery/marks.tsx";
import { NextTime } from "../../../../ui/recovery/next-time.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { ScheduleDialog } from "./schedule-dialog.tsx";

type Opened = { kind: "new" } | { kind: "change" | "delete"; schedule: DrillScheduleView };

/** Which drills come by themselves, when next, and what the last one showed. */
export function SchedulesSection() {
  const query = useQuery(drillSchedulesQuery);
  const refusal = useRoleRefusal("admin");
  const [opened, setOpened] = useState<Opened | null>(null);
  const columns: Column<DrillScheduleView>[] = [
    { id: "title", header: "Scenario", width: "w-52 max-md:w-auto", essential: true, cell: ({ title }) => title },
    {
      id: "subject",
      header: "Service",
      width: "w-32 max-md:w-24",
      essential: true,
      cell: ({ subject }) => <SubjectLink subject={subject} />,
    },
    {
      id: "cron",
      header: "When",
      cell: ({ cron, timeZone, isEnabled }) => (
        <span title={cron} className={isEnabled ? undefined : "text-ink-3"}>
          {scheduleWords(cron)} {timeZone}
        </span>
      ),
    },
    {
      id: "next",
      header: "Next",
      width: "w-24",
      essential: true,
      cell: ({ nextAt, isEnabled }) =>
        isEnabled && nextAt ? <NextTime at={nextAt} /> : <span className="text-held">switched off</span>,
    },
    {
      id: "last",
      header: "Last one",
      width: "w-48",
      cell: ({ last }) =>
        last ? (
          <span className="inline-flex items-center gap-2">
            <Link href={drillAddress(last)} className="font-mono text-xs text-accent hover:underline">
              {drillName(last)}
            </Link>
            {last.verdict ? <VerdictMark verdict={last.verdict} /> : <RunMark state={last.state} />}
          </span>
        ) : (
          <span className="text-ink-3">none yet</span>
        ),
    },
    { id: "by", header: "Set by", width: "w-24", cell: ({ updatedBy }) => <span className="text-ink-2">{updatedBy}</span> },
    {
      id: "actions",
      header: "",
      width: "w-24",
      align: "right",
      essential: true,
      cell: (schedule) => (
        <span className="inline-flex gap-1">
          <Button
            size="icon"
            look="ghost"
            aria-label={`Change the schedule of ${schedule.title} on ${schedule.subject}`}
            disabledReason={refusal}
            onClick={() => setOpened({ kind: "change", schedule })}
          >
            <Pencil aria-hidden="true" />
          </Button>
          <Button
            size="icon"
            look="ghost"
            aria-label={`Delete the schedule of ${schedule.title} on ${schedule.subject}`}
            disabledReason={refusal}
            onClick={() => setOpened({ kind: "delete", schedule })}
          >
            <Trash2 aria-hidden="true" />
          </Button>
        </span>
      ),
    },
  ];
  return (
    <>
      <Answer of={query} what="The schedules could not be read" waiting={<TableSkeleton rows={3} columns={6} />}>
        {(schedules) => (
          <DataTable
            label="Schedules"
            columns={columns}
            rows={schedules}
            keyOf={({ id }) => id}
            empty={
              <Empty title="No drill comes by itself" className="py-6">
                What is not tried regularly is forgotten: schedule each scenario once a quarter.
              </Empty>
            }
          />
        )}
      </Answer>
      <p className="p-4">
        <Button disabledReason={refusal} onClick={() => setOpened({ kind: "new" })}>
          <CalendarPlus aria-hidden="true" /> Schedule a drill
        </Button>
      </p>
      {opened?.kind === "new" && <ScheduleDialog onClose={() => setOpened(null)} />}
      {opened?.kind === "change" && <ScheduleDialog schedule={opened.schedule} onClose={() => setOpened(null)} />}
      {opened?.kind === "delete" && <DeleteDialog schedule={opened.schedule} refusal={refusal} onClose={() => setOpened(null)} />}
    </>
  );
}

function DeleteDialog({
  schedule,
  refusal,
  onClose,
}: {
  schedule: DrillScheduleView;
  refusal: string | null;
  onClose: () => void;
}) {
  return (
    <OrderDialog
      name={`delete schedule ${schedule.id}`}
      sentence={`Delete the schedule on ${subjectTitle(schedule.subject)}`}
      about={`${schedule.title}, ${scheduleWords(schedule.cron)}`}
      does={<p>It comes no more by itself. The drills that were carried out stay, with what they measured.</p>}
      refusal={refusal}
      isDangerous
      send={(reason) => deleteDrillSchedule(schedule.id, reason)}
      onClose={onClose}
    />
  );
}
