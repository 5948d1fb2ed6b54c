"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import {
  backupAddress,
  backupName,
  drillAddress,
  drillName,
  restoreAddress,
  restoreName,
  restoreTitle,
  subjectTitle,
} from "#lib/client/recovery-view.ts";
import type { BackupView } from "#lib/domain/recovery/backups/schemas.ts";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { Elapsed } from "../../../ui/clock.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { BackupStateMark, RunMark } from "../../../ui/recovery/marks.tsx";

type Properties = { backups: readonly BackupView[]; restores: readonly RestoreView[]; drills: readonly DrillView[] };

/** What is carried out now; nothing at all when nothing is. */
export function UnderWay({ backups, restores, drills }: Properties) {
  if (backups.length + restores.length + drills.length === 0) return null;
  return (
    <section aria-labelledby="under-way">
      <SectionHeader id="under-way" title="Under way" />
      <ul>
        {drills.map((drill) => (
          <Line
            key={drill.id}
            href={drillAddress(drill)}
            name={drillName(drill)}
            mark={<RunMark state={drill.state} />}
            title={`${drill.title}: ${subjectTitle(drill.subject)}`}
            message={drill.message}
            startedAt={drill.startedAt}
          />
        ))}
        {restores.map((restore) => (
          <Line
            key={restore.id}
            href={restoreAddress(restore)}
            name={restoreName(restore)}
            mark={<RunMark state={restore.state} />}
            title={`${restoreTitle(restore)}: ${subjectTitle(restore.subject)}`}
            message={restore.message}
            startedAt={restore.startedAt}
          />
        ))}
        {backups.map((backup) => (
          <Line
            key={backup.id}
            href={backupAddress(backup)}
            name={backupName(backup)}
            mark={<BackupStateMark state={backup.state} />}
            title={`Backup of ${subjectTitle(backup.subject)}`}
            message={backup.message}
            startedAt={backup.startedAt}
          />
        ))}
      </ul>
    </section>
  );
}

function Line({
  href,
  name,
  mark,
  title,
  message,
  startedAt,
}: {
  href: string;
  name: string;
  mark: ReactNode;
  title: string;
  message: string;
  startedAt: string | null;
}) {
  return (
    <li>
      <Link href={href} className="flex min-h-8 flex-wrap items-center gap-x-3 border-b px-4 py-1 hover:bg-hover">
        <span className="w-24 shrink-0">{mark}</span>
        <span className="w-12 shrink-0 font-mono text-xs text-ink-3">{name}</span>
        <span className="font-medium">{title}</span>
        <span className="min-w-0 flex-1 truncate text-ink-2">{message}</span>
        <span className="text-ink-3">{startedAt && <Elapsed from={startedAt} to={null} />}</span>
      </Link>
    </li>
  );
}
