"use client";
import { Pin } from "lucide-react";
import Link from "next/link";
import { backupName, planAddress, purposeWords, subjectTitle } from "#lib/client/recovery-view.ts";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import type { Fact } from "../../../../ui/facts.tsx";
import { Figure, Tint } from "../../../../ui/figure.tsx";
import { Identifier } from "../../../../ui/identifier.tsx";
import { BackupStateMark, ProofMark } from "../../../../ui/recovery/marks.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { ThingHeader } from "../../../../ui/thing-header.tsx";
import { BackupCommands } from "./backup-commands.tsx";

/** What a backup is, its two axes of state, where it lies, and what may be done with it. */
export function BackupHeader({ detail }: { detail: BackupDetail }) {
  const { backup } = detail;
  const isWrong = backup.state === "failed" || backup.state === "partial" || backup.proof === "failed";
  return (
    <ThingHeader
      path={[
        { href: "/recovery", label: "Recovery" },
        { href: "/recovery/backups", label: "Backups" },
      ]}
      title={`${backupName(backup)} of ${subjectTitle(backup.subject)}`}
      marks={
        <>
          <Tint value={backup.state}>
            <BackupStateMark state={backup.state} />
          </Tint>
          <Tint value={backup.proof}>
            <ProofMark proof={backup.proof} />
          </Tint>
        </>
      }
      message={backup.message}
      isWrong={isWrong}
      actions={<BackupCommands detail={detail} />}
      facts={factsOf(detail)}
      reason={backup.reason}
    >
      {backup.pinned && (
        <p className="mt-3 flex items-center gap-1.5 text-ink-2">
          <Pin aria-hidden="true" className="size-3.5 text-held" />
          Pinned by {backup.pinned.by} <TimeAgo at={backup.pinned.at} />: {backup.pinned.reason}
        </p>
      )}
    </ThingHeader>
  );
}

function factsOf({ backup, storageKey, sha256, versions, keptFor }: BackupDetail): Fact[] {
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
    (backup.state === "completed" || backup.state === "partial") && [
      "Kept",
      <Link key="kept" href={planAddress(backup.subject)} className="text-accent hover:underline">
        {keptFor.length > 0 ? keptFor.join("; ") : "let go of at the next pass"}
      </Link>,
    ],
    versions.length > 0 && ["Versions", versions.map(({ name, version }) => `${name} ${version}`).join(", ")],
    where !== null && ["Stored in", <Identifier key="where" name={where} keepEnd={24} />],
    backup.keyId !== null && ["Opened by key", <Identifier key="key" name={backup.keyId} />],
    sha256 !== null && ["SHA-256", <Identifier key="sha" name={sha256} />],
  ];
}
