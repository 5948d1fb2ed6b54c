"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import { countOf } from "#lib/client/numbers.ts";
import { backupAddress, backupName, restoreName, restoreTitle, subjectTitle } from "#lib/client/recovery-view.ts";
import { cancelRestore, isRestoring, restoreQuery } from "#lib/client/restores.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { ThingAnswer } from "../../../../ui/answer.tsx";
import { Button } from "../../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import { Tint } from "../../../../ui/figure.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { ChecksTable } from "../../../../ui/recovery/checks-table.tsx";
import { RunMark } from "../../../../ui/recovery/marks.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";
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
  const facts: [string, ReactNode][] = [
    ["Service", <SubjectLink key="service" subject={restore.subject} />],
    [
      "Backup",
      <Link key="backup" href={backupAddress(restore.backup)} className="font-medium text-accent hover:underline">
        {backupName(restore.backup)}
      </Link>,
    ],
    ["As of", restore.backup.takenAt ? <TimeAgo key="as-of" at={restore.backup.takenAt} /> : "–"],
    ...(restore.safetyBackup
      ? ([
          [
            "The former present",
            <Link key="safety" href={backupAddress(restore.safetyBackup)} className="font-medium text-accent hover:underline">
              {backupName(restore.safetyBackup)}
            </Link>,
          ],
        ] satisfies [string, ReactNode][])
      : []),
    ["Parts", restore.parts.join(", ") || "all"],
    ["By", restore.requestedBy],
    ["Asked for", <TimeAgo key="asked" at={restore.createdAt} />],
    [
      restore.finishedAt ? "Took" : "So far",
      restore.startedAt ? <Elapsed key="took" from={restore.startedAt} to={restore.finishedAt} /> : "–",
    ],
  ];
  return (
    <header className="border-b px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            <Link href="/recovery" className="hover:text-ink">
              Recovery
            </Link>{" "}
            /{" "}
            <Link href="/recovery/restores" className="hover:text-ink">
              Restores
            </Link>{" "}
            / {restoreName(restore)}
          </p>
          <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
            {subjectTitle(restore.subject)}: {lowerFirst(restoreTitle(restore))}
            <span className="text-sm tracking-normal" role="status" aria-live="polite">
              <Tint value={restore.state}>
                <RunMark state={restore.state} />
              </Tint>
            </span>
          </h1>
          <p className={restore.state === "failed" ? "text-bad" : "text-ink-2"}>{restore.message}</p>
        </div>
        {isRestoring(restore.state) && <CancelButton restore={restore} />}
      </div>
      <dl className="mt-3 flex flex-wrap gap-x-7 gap-y-2">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-2xs text-ink-3">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{restore.reason}</p>
    </header>
  );
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

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
