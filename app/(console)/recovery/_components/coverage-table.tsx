"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { backupAddress, backupName, planAddress, subjectTitle } from "#lib/client/recovery-view.ts";
import { scheduleWords } from "#lib/client/schedule-view.ts";
import type { Coverage } from "#lib/domain/recovery/backups/schemas.ts";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { Empty } from "../../../ui/notices.tsx";
import { Exposure } from "../../../ui/recovery/exposure.tsx";
import { BackupStateMark, FreshnessMark, ProofMark } from "../../../ui/recovery/marks.tsx";
import { NextTime } from "../../../ui/recovery/next-time.tsx";
import { SubjectLink } from "../../../ui/recovery/subject-link.tsx";

const columns: Column<Coverage>[] = [
  {
    id: "state",
    header: "Backup",
    width: "w-32 max-md:w-28",
    essential: true,
    cell: (row) => (
      <Tint value={row.state}>
        <FreshnessMark state={row.state} />
      </Tint>
    ),
  },
  {
    id: "subject",
    header: "Service",
    width: "w-40 max-md:w-auto",
    essential: true,
    cell: ({ subject }) => <SubjectLink subject={subject} />,
  },
  {
    id: "exposure",
    header: "Lost now, of RPO",
    width: "w-40 max-md:w-36",
    essential: true,
    cell: (row) => <Exposure of={row} takenAt={row.newestVerified?.takenAt ?? null} />,
  },
  {
    id: "verified",
    header: "Newest verified",
    width: "w-52",
    cell: ({ newestVerified }) =>
      newestVerified ? (
        <span className="inline-flex items-center gap-2">
          <Link href={backupAddress(newestVerified)} tabIndex={-1} className="font-mono text-xs text-accent hover:underline">
            {backupName(newestVerified)}
          </Link>
          <ProofMark proof={newestVerified.proof} />
        </span>
      ) : (
        <span className="text-ink-3">–</span>
      ),
  },
  {
    id: "newest",
    header: "Newest",
    cell: ({ newest, newestVerified }) => {
      if (!newest) return <span className="text-ink-3">–</span>;
      if (newest.id === newestVerified?.id) return <span className="text-ink-3">the same</span>;
      return (
        <span className="inline-flex max-w-full items-center gap-2" title={newest.message}>
          <Link href={backupAddress(newest)} tabIndex={-1} className="font-mono text-xs text-accent hover:underline">
            {backupName(newest)}
          </Link>
          <BackupStateMark state={newest.state} />
          <span className="truncate text-ink-3">{newest.message}</span>
        </span>
      );
    },
  },
  {
    id: "plan",
    header: "Schedule",
    width: "w-52",
    cell: ({ subject, plan }) => (
      <Link href={planAddress(subject)} tabIndex={-1} className="text-accent hover:underline" title={plan.cron ?? undefined}>
        {plan.cron ? `${scheduleWords(plan.cron)}${plan.timeZone === "UTC" ? " UTC" : ""}` : "on demand only"}
      </Link>
    ),
  },
  {
    id: "next",
    header: "Next",
    width: "w-24",
    align: "right",
    cell: ({ plan }) => (plan.nextBackupAt ? <NextTime at={plan.nextBackupAt} /> : "–"),
  },
];

/** Services by what would be lost of them now; each opens its own recovery. */
export function CoverageTable({ rows }: { rows: Coverage[] }) {
  const router = useRouter();
  return (
    <DataTable
      label="Coverage"
      columns={columns}
      rows={rows}
      keyOf={({ subject }) => subject}
      nameOf={({ subject, state }) => `${subjectTitle(subject)} ${state}`}
      onOpen={({ subject, service }) =>
        router.push(service ? `/fleet/${subject}?tab=recovery` : `/recovery/backups?subject=${encodeURIComponent(subject)}`)
      }
      empty={
        <Empty title="No services yet">What Switchyard manages is listed here with the age of its newest verified backup.</Empty>
      }
    />
  );
}
