"use client";
import { useQuery } from "@tanstack/react-query";
import { backupQuery, isUnderWay } from "#lib/client/backups.ts";
import { ownSubject } from "#lib/client/recovery-view.ts";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import { ThingAnswer } from "../../../../ui/answer.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { ContentsView } from "../../../../ui/recovery/contents-view.tsx";
import { BackupHeader } from "./backup-header.tsx";
import { BackupProgress } from "./backup-progress.tsx";
import { FilesSection } from "./files-section.tsx";
import { PartsSection } from "./parts-section.tsx";
import { ProofsSection } from "./proofs-section.tsx";

export function BackupPage({ id }: { id: string }) {
  const query = useQuery(backupQuery(id));
  return (
    <ThingAnswer
      of={query}
      thing="backup"
      all="/recovery/backups"
      still="The page shows what was last read; what is under way goes on without it."
    >
      {(detail) => <LoadedBackup detail={detail} />}
    </ThingAnswer>
  );
}

function LoadedBackup({ detail }: { detail: BackupDetail }) {
  const { backup, contents, progress, parts } = detail;
  const showsProgress = progress.length > 0 && (isUnderWay(backup.state) || parts.length === 0);
  return (
    <>
      <BackupHeader detail={detail} />
      {showsProgress && <BackupProgress detail={detail} />}
      <div className="grid border-b xl:grid-cols-2">
        <section aria-labelledby="contents" className="min-w-0 xl:border-r">
          <SectionHeader id="contents" title="Contents" />
          {parts.length > 0 ? (
            <PartsSection parts={parts} />
          ) : (
            <div className="p-4">
              <ContentsView contents={contents} isOwn={backup.subject === ownSubject} />
            </div>
          )}
        </section>
        <ProofsSection detail={detail} />
      </div>
      <FilesSection detail={detail} />
    </>
  );
}
