"use client";
import { Pin } from "lucide-react";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { backupAddress, backupName, purposeWords, subjectTitle } from "#lib/client/recovery-view.ts";
import type { BackupView } from "#lib/domain/recovery/backups/schemas.ts";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../ui/data-table.tsx";
import { Figure, Tint } from "../../../../ui/figure.tsx";
import { BackupStateMark, backupStateWord, ProofMark, proofWord } from "../../../../ui/recovery/marks.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useNarrow } from "../../../../ui/use-narrow.ts";

const isWrong = ({ state, proof }: BackupView) => state === "failed" || state === "partial" || proof === "failed";

const columns: Column<BackupView>[] = [
  {
    id: "state",
    header: "State",
    width: "w-28",
    essential: true,
    cell: ({ state }) => (
      <Tint value={state}>
        <BackupStateMark state={state} />
      </Tint>
    ),
  },
  {
    id: "proof",
    header: "Proof",
    width: "w-36",
    essential: true,
    cell: ({ proof }) => (
      <Tint value={proof}>
        <ProofMark proof={proof} />
      </Tint>
    ),
  },
  {
    id: "number",
    header: "Backup",
    width: "w-20",
    cell: (backup) => (
      <span className="inline-flex items-center gap-1.5 font-mono text-xs text-ink-3">
        {backupName(backup)}
        {backup.pinned && <Pin role="img" aria-label="Pinned" className="size-3" />}
      </span>
    ),
  },
  {
    id: "subject",
    header: "Service",
    width: "w-36 max-md:w-auto",
    essential: true,
    cell: ({ subject }) => <SubjectLink subject={subject} />,
  },
  {
    id: "asOf",
    header: "As of",
    width: "w-20",
    cell: ({ takenAt }) => (takenAt ? <TimeAgo at={takenAt} className="text-ink-2" /> : <span className="text-ink-3">–</span>),
  },
  { id: "size", header: "Size", width: "w-24", align: "right", cell: ({ bytes }) => <Figure value={bytes} unit="bytes" /> },
  {
    id: "took",
    header: "Took",
    width: "w-20",
    align: "right",
    cell: ({ startedAt, finishedAt }) => (startedAt ? <Elapsed from={startedAt} to={finishedAt} /> : "–"),
  },
  {
    id: "message",
    header: "Where it is",
    cell: (backup) => (
      <span title={backup.message} className={isWrong(backup) ? "text-bad" : "text-ink-2"}>
        {backup.message}
      </span>
    ),
  },
  {
    id: "purpose",
    header: "Why",
    width: "w-32",
    cell: ({ purpose, reason }) => (
      <span title={reason} className="text-ink-2">
        {purposeWords[purpose]}
      </span>
    ),
  },
];

/** Backups as rows; each opens under its address. */
export function BackupTable({ backups, empty }: { backups: BackupView[]; empty: ReactNode }) {
  const router = useRouter();
  const isNarrow = useNarrow();
  return (
    <DataTable
      label="Backups"
      columns={columns}
      rows={backups}
      keyOf={({ id }) => id}
      nameOf={(backup) =>
        `${backupName(backup)} of ${subjectTitle(backup.subject)}: ${backupStateWord(backup.state)}, ${proofWord(backup.proof)}`
      }
      onOpen={(backup) => router.push(backupAddress(backup))}
      note={(backup) => isNarrow && isWrong(backup) && <p className="-mt-1 pl-4 text-bad">{backup.message}</p>}
      empty={empty}
    />
  );
}
