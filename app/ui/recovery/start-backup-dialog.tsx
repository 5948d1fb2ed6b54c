"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { planQuery, startBackup } from "#lib/client/backups.ts";
import { backupAddress, ownSubject, planAddress, subjectTitle } from "#lib/client/recovery-view.ts";
import { ReasonField } from "../actions/action-fields.tsx";
import { Dialog } from "../dialog.tsx";
import { reasonErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice, Skeleton } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useStored } from "../use-stored.ts";
import { ContentsView } from "./contents-view.tsx";
import { SubjectField } from "./subject-field.tsx";
import { useRecoveryWrite } from "./use-recovery-write.ts";

/** Says what goes into a backup that is made now, and goes to it once it has begun. */
export function StartBackupDialog({ subject: given, onClose }: { subject?: string; onClose: () => void }) {
  const router = useRouter();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [subject, setSubject] = useState(given ?? "");
  const [reason, setReason] = useStored("reason backup");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const write = useRecoveryWrite(startBackup, (started) => {
    setReason("");
    onClose();
    router.push(backupAddress(started));
  });
  const missing = {
    subject: subject === "" ? ["Choose what to back up."] : undefined,
    reason: reasonErrors(reason),
  };
  const fields = fieldsOf(write.error);
  const sentence = subject === "" ? "Back up" : `Back up ${subjectTitle(subject)}`;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (missing.subject || missing.reason || refusal || write.isPending) return;
    write.mutate({ subject, reason: reason.trim() });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description="Made beside the schedule, kept by the same rules. The service runs on meanwhile."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending} disabledReason={refusal}>
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        {given === undefined && (
          <SubjectField
            value={subject}
            onChange={setSubject}
            errors={wasSubmitted ? (missing.subject ?? fields?.subject) : undefined}
          />
        )}
        {subject !== "" && <WhatGoesIn subject={subject} />}
        {write.error && <ErrorNotice what={`${sentence}: not begun`} error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? (missing.reason ?? fields?.reason) : undefined} />
      </form>
    </Dialog>
  );
}

function WhatGoesIn({ subject }: { subject: string }) {
  const { data, error, refetch } = useQuery(planQuery(subject));
  if (error && !data) {
    return <ErrorNotice what="What goes into it could not be read" error={error} onRetry={() => refetch()} />;
  }
  if (!data) return <Skeleton className="h-16" />;
  return (
    <section aria-label="What goes into it" className="grid gap-2">
      <p className="text-ink-2">
        {data.isSet ? "By its plan, this goes into it:" : "Nobody has planned it; this is what was found by itself:"}
      </p>
      <ContentsView contents={data.contents} isOwn={subject === ownSubject} />
      <p>
        <Link href={planAddress(subject)} className="text-accent hover:underline">
          {data.isSet ? "Change the plan" : "Plan it"}
        </Link>
      </p>
    </section>
  );
}
