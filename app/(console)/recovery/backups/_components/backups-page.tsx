"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { backupsQuery } from "#lib/client/backups.ts";
import { backupStates, proofStates } from "#lib/domain/recovery/backups/schemas.ts";
import { Answer, OlderOnes } from "../../../../ui/answer.tsx";
import { ChoiceFilter } from "../../../../ui/choice.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../../ui/notices.tsx";
import { backupStateWord, proofWord } from "../../../../ui/recovery/marks.tsx";
import { StartBackupButton } from "../../../../ui/recovery/start-backup-button.tsx";
import { SubjectFilter } from "../../../../ui/recovery/subject-field.tsx";
import { useUrlState } from "../../../../ui/use-url-state.ts";
import { RecoveryHeader } from "../../_components/recovery-header.tsx";
import { BackupTable } from "./backup-table.tsx";

export function BackupsPage() {
  const [search, setSearch] = useUrlState();
  const subject = search.get("subject") ?? undefined;
  const state = backupStates.find((each) => each === search.get("state"));
  const proof = proofStates.find((each) => each === search.get("proof"));
  const query = useInfiniteQuery(backupsQuery({ subject, state, proof }));
  return (
    <>
      <RecoveryHeader>
        <StartBackupButton subject={subject} look="primary" />
      </RecoveryHeader>
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <SubjectFilter value={subject} onChange={(next) => setSearch({ subject: next })} />
        <ChoiceFilter
          label="State"
          every="Every state"
          value={state}
          options={backupStates.map((each) => [each, backupStateWord(each)])}
          onChange={(next) => setSearch({ state: next })}
        />
        <ChoiceFilter
          label="Proof"
          every="Every proof"
          value={proof}
          options={proofStates.map((each) => [each, proofWord(each)])}
          onChange={(next) => setSearch({ proof: next })}
        />
      </div>
      <Answer
        of={query}
        what="The backups could not be read"
        still="Those that are under way go on."
        waiting={<TableSkeleton rows={10} columns={7} />}
      >
        {({ pages }) => (
          <BackupTable
            backups={pages.flatMap(({ items }) => items)}
            empty={
              subject || state || proof ? (
                <NoneFits thing="backup" onClear={() => setSearch({ subject: null, state: null, proof: null })} />
              ) : (
                <Empty title="No backups yet">
                  What is made by schedule or by hand is listed here with what was proven of it.
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <OlderOnes of={query} />
    </>
  );
}
