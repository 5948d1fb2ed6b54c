"use client";
import { Pin } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { backupName, planAddress, purposeWords, subjectTitle } from "#lib/client/recovery-view.ts";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import { Figure, Tint } from "../../../../ui/figure.tsx";
import { Identifier } from "../../../../ui/identifier.tsx";
import { BackupStateMark, ProofMark } from "../../../../ui/recovery/marks.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { BackupCommands } from "./backup-commands.tsx";

/** What a backup is, its two axes of state, where it lies, and what may be done with it. */
export function BackupHeader({ detail }: { detail: BackupDetail }) {
  const { backup } = detail;
  const isWrong = backup.state === "failed" || backup.state === "partial" || backup.proof === "failed";
  return (
    <header className="border-b px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            <Link href="/recovery" className="hover:text-ink">
              Recovery
            </Link>{" "}
            /{" "}
            <Link href="/recovery/backups" className="hover:text-ink">
              Backups
            </Link>
          </p>
          <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
            {backupName(backup)} of {subjectTitle(backup.subject)}
            <span className="flex flex-wrap gap-x-3 text-sm tracking-normal" role="status" aria-live="polite">
              <Tint value={backup.state}>
                <BackupStateMark state={backup.state} />
              </Tint>
              <Tint value={backup.proof}>
                <ProofMark proof={backup.proof} />
              </Tint>
            </span>
          </h1>
          <p className={isWrong ? "text-bad" : "text-ink-2"}>{backup.message}</p>
        </div>
        <BackupCommands detail={detail} />
      </div>
      <dl className="mt-3 flex flex-wrap gap-x-7 gap-y-2">
        {factsOf(detail).map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-2xs text-ink-3">{name}</dt>
            <dd className="min-w-0">{value}</dd>
          </div>
        ))}
      </dl>
      {backup.pinned && (
        <p className="mt-3 flex items-center gap-1.5 text-ink-2">
          <Pin aria-hidden="true" className="size-3.5 text-held" />
          Pinned by {backup.pinned.by} <TimeAgo at={backup.pinned.at} />: {backup.pinned.reason}
        </p>
      )}
      <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{backup.reason}</p>
    </header>
  );
}

function factsOf({ backup, storageKey, sha256, versions, keptFor }: BackupDetail): [string, ReactNode][] {
  const where = backup.storage && `${backup.storage}${storageKey ? ` ${storageKey}` : ""}`;
  return [
    ["Service", <SubjectLink key="service" subject={backup.subject} />],
    ["As of", backup.takenAt ? <TimeAgo key="as-of" at={backup.takenAt} className="font-medium" /> : "–"],
    ["Size", <Figure key="size" value={backup.bytes} unit="bytes" />],
    [
      backup.finishedAt ? "Took" : "So far",
      backup.startedAt ? <Elapsed key="took" from={backup.startedAt} to={backup.finishedAt} /> : "–",
    ],
    ["Why", purposeWords[backup.purpose]],
    ["By", backup.requestedBy],
    ["Proven", backup.provenAt ? <TimeAgo key="proven" at={backup.provenAt} /> : "–"],
    ...(backup.state === "completed" || backup.state === "partial"
      ? ([
          [
            "Kept",
            <Link key="kept" href={planAddress(backup.subject)} className="text-accent hover:underline">
              {keptFor.length > 0 ? keptFor.join("; ") : "let go of at the next pass"}
            </Link>,
          ],
        ] satisfies [string, ReactNode][])
      : []),
    ...(versions.length > 0
      ? ([["Versions", versions.map(({ name, version }) => `${name} ${version}`).join(", ")]] satisfies [string, ReactNode][])
      : []),
    ...(where ? ([["Stored in", <Identifier key="where" name={where} keepEnd={24} />]] satisfies [string, ReactNode][]) : []),
    ...(backup.keyId ? ([["Opened by key", <Identifier key="key" name={backup.keyId} />]] satisfies [string, ReactNode][]) : []),
    ...(sha256 ? ([["SHA-256", <Identifier key="sha" name={sha256} />]] satisfies [string, ReactNode][]) : []),
  ];
}
