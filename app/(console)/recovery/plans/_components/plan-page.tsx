"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { codeOf } from "#lib/client/api.ts";
import { planQuery } from "#lib/client/backups.ts";
import { subjectTitle } from "#lib/client/recovery-view.ts";
import { Answer } from "../../../../ui/answer.tsx";
import { TimeAgo, useIsLive } from "../../../../ui/clock.tsx";
import { Empty, Skeleton } from "../../../../ui/notices.tsx";
import { NextTime } from "../../../../ui/recovery/next-time.tsx";
import { StartBackupButton } from "../../../../ui/recovery/start-backup-button.tsx";
import { PlanForm } from "./plan-form.tsx";

export function PlanPage({ subject }: { subject: string }) {
  const query = useQuery(planQuery(subject));
  // What was typed is kept in the browser.
  const isLive = useIsLive();
  const code = codeOf(query.error);
  if (code === "not-found" || code === "invalid-input") {
    return <Empty title={`There is no service ${subject}`}>{query.error?.message}</Empty>;
  }
  const { data: plan } = query;
  return (
    <>
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b px-4 py-3">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            <Link href="/recovery" className="hover:text-ink">
              Recovery
            </Link>{" "}
            /{" "}
            <Link href={`/recovery/backups?subject=${encodeURIComponent(subject)}`} className="hover:text-ink">
              Backups of {subject}
            </Link>
          </p>
          <h1 className="text-xl font-semibold tracking-[-0.015em]">Backup plan of {subjectTitle(subject)}</h1>
          {plan && (
            <p className="text-ink-2">
              {plan.isSet && plan.updatedAt ? (
                <>
                  Set by {plan.updatedBy} <TimeAgo at={plan.updatedAt} />
                  {plan.nextBackupAt && (
                    <>
                      ; the next backup: <NextTime at={plan.nextBackupAt} />
                    </>
                  )}
                </>
              ) : (
                "Nobody has set one: backups are made on request only. What is filled in was found by itself."
              )}
            </p>
          )}
        </div>
        <StartBackupButton subject={subject} />
      </header>
      <Answer of={query} what="The plan could not be read" waiting={<FormSkeleton />}>
        {(answer) => (isLive ? <PlanForm plan={answer} /> : <FormSkeleton />)}
      </Answer>
    </>
  );
}

const FormSkeleton = () => <Skeleton className="m-4 h-64 max-w-3xl" />;
