"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { backupsQuery } from "#lib/client/backups.ts";
import { backupStates, proofStates } from "#lib/domain/recovery/backups/schemas.ts";
import { Answer, OlderOnes } from "../../../../ui/answer.tsx";
import { Button } from "../../../../ui/button.tsx";
import { Select } from "../../../../ui/field.tsx";
import { Empty, TableSkeleton } from "../../../../ui/notices.tsx";
import { backupStateWord, proofWord } from "../../../../ui/recovery/marks.tsx";
import { StartBackupButton } from "../../../../ui/recovery/start-backup-button.tsx";
import { SubjectOptions } from "../../../../ui/recovery/subject-field.tsx";
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
        <Select
          aria-label="Service"
          data-filter
          value={subject ?? ""}
          onChange={({ target }) => setSearch({ subject: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every service</option>
          <SubjectOptions known={subject} />
        </Select>
        <Select
          aria-label="State"
          value={state ?? ""}
          onChange={({ target }) => setSearch({ state: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every state</option>
          {backupStates.map((each) => (
            <option key={each} value={each}>
              {backupStateWord(each)}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Proof"
          value={proof ?? ""}
          onChange={({ target }) => setSearch({ proof: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every proof</option>
          {proofStates.map((each) => (
            <option key={each} value={each}>
              {proofWord(each)}
            </option>
          ))}
        </Select>
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
                <Empty title="No backup fits these filters">
                  <Button onClick={() => setSearch({ subject: null, state: null, proof: null })} className="mt-2">
                    Clear the filters
                  </Button>
                </Empty>
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
