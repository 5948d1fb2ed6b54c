"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { countOf } from "#lib/client/numbers.ts";
import { backupAddress, backupName, ownSubject, restoreName, restoreTitle, subjectTitle } from "#lib/client/recovery-view.ts";
import { cancelRestore, isRestoring, restoreQuery } from "#lib/client/restores.ts";
import { uncapital } from "#lib/client/words.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { ThingAnswer } from "../../../../ui/answer.tsx";
import { Button } from "../../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import type { Fact } from "../../../../ui/facts.tsx";
import { Tint } from "../../../../ui/figure.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { ChecksTable } from "../../../../ui/recovery/checks-table.tsx";
import { RunMark } from "../../../../ui/recovery/marks.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { ServiceNow } from "../../../../ui/recovery/service-now.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { ThingHeader } from "../../../../ui/thing-header.tsx";
import { RestoreSteps } from "./restore-steps.tsx";

export function RestorePage({ id }: { id: string }) {
  const query = useQuery(restoreQuery(id));
  return (
    <ThingAnswer
      of={query}
      thing="restore"
      all="/recovery/restores"
      still="The page shows what was last read; the restore goes on without it."
    >
      {(restore) => <LoadedRestore restore={restore} />}
    </ThingAnswer>
  );
}

function LoadedRestore({ restore }: { restore: RestoreView }) {
  const failed = restore.checks.filter(({ passed }) => !passed).length;
  return (
    <>
      <Header restore={restore} />
      <div className="grid border-b xl:grid-cols-2">
        <section aria-labelledby="steps" className="min-w-0 xl:border-r">
          <SectionHeader id="steps" title="Steps" />
          <RestoreSteps steps={restore.steps} />
        </section>
        <section aria-labelledby="found" className="min-w-0 max-xl:border-t">
          <SectionHeader
            id="found"
            title="Found against the backup"
            aside={
              restore.checks.length > 0 &&
              (failed > 0
                ? `${failed} of ${countOf(restore.checks.length, "check")} failed`
                : `${countOf(restore.checks.length, "check")} passed`)
            }
          />
          {restore.checks.length > 0 ? (
            <ChecksTable checks={restore.checks} label="Found against the backup" />
          ) : (
            <p className="px-4 py-3 text-ink-3">
              {isRestoring(restore.state) ? "Asked once it is restored." : "It never came so far."}
            </p>
          )}
        </section>
      </div>
    </>
  );
}

function Header({ restore }: { restore: RestoreView }) {
  const facts: Fact[] = [
    ["Service", <SubjectLink key="service" subject={restore.subject} />],
    restore.mode === "in-place" && restore.subject !== ownSubject && ["Now", <ServiceNow key="now" subject={restore.subject} />],
    ["Backup", <BackupLink key="backup" backup={restore.backup} />],
    ["As of", restore.backup.takenAt ? <TimeAgo key="as-of" at={restore.backup.takenAt} /> : "–"],
    restore.untilTime !== null && ["PostgreSQL until", <TimeAgo key="until" at={restore.untilTime} />],
    restore.safetyBackup && ["The former present", <BackupLink key="safety" backup={restore.safetyBackup} />],
    ["Parts", restore.parts.join(", ") || "all"],
    ["By", restore.requestedBy],
    ["Asked for", <TimeAgo key="asked" at={restore.createdAt} />],
    [
      restore.finishedAt ? "Took" : "So far",
      restore.startedAt ? <Elapsed key="took" from={restore.startedAt} to={restore.finishedAt} /> : "–",
    ],
  ];
  return (
    <ThingHeader
      path={[
        { href: "/recovery", label: "Recovery" },
        { href: "/recovery/restores", label: "Restores" },
      ]}
      name={restoreName(restore)}
      title={`${subjectTitle(restore.subject)}: ${uncapital(restoreTitle(restore))}`}
      marks={
        <Tint value={restore.state}>
          <RunMark state={restore.state} />
        </Tint>
      }
      message={restore.message}
      isWrong={restore.state === "failed"}
      actions={isRestoring(restore.state) && <CancelButton restore={restore} />}
      facts={facts}
      reason={restore.reason}
    />
  );
}

const BackupLink = ({ backup }: { backup: { id: string; number: number } }) => (
  <Link href={backupAddress(backup)} className="font-medium text-accent hover:underline">
    {backupName(backup)}
  </Link>
);

function CancelButton({ restore }: { restore: RestoreView }) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRoleRefusal(restore.mode === "in-place" ? "admin" : "operator");
  return (
    <>
      <Button disabledReason={refusal} onClick={() => setOpen(true)}>
        <CircleStop aria-hidden="true" /> Cancel
      </Button>
      {isOpen && (
        <OrderDialog
          name={`cancel restore ${restore.id}`}
          sentence={`Cancel ${restoreName(restore)}`}
          about={restore.message}
          does={
            <p>
              {restore.mode === "in-place"
                ? "The step that is carried out ends, what was changed is taken back, and what was stopped is started again."
                : "The step that is carried out ends, and what was restored is removed."}
            </p>
          }
          refusal={refusal}
          isDangerous
          send={(reason, key) => cancelRestore(restore.id, reason, key)}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
