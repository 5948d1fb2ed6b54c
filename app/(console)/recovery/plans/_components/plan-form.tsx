"use client";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { setPlan } from "#lib/client/backups.ts";
import { ownSubject, subjectTitle } from "#lib/client/recovery-view.ts";
import { type PlanAnswer, planSchema } from "#lib/domain/recovery/backups/schemas.ts";
import { ReasonField } from "../../../../ui/actions/action-fields.tsx";
import { Button } from "../../../../ui/button.tsx";
import { fieldErrors } from "../../../../ui/field-errors.ts";
import { ErrorNotice } from "../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { CronField, TimeZoneField } from "../../../../ui/recovery/cron-field.tsx";
import { useRecoveryWrite } from "../../../../ui/recovery/use-recovery-write.ts";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { useStored } from "../../../../ui/use-stored.ts";
import { ContentsFields } from "./contents-fields.tsx";
import { RetentionFields } from "./retention-fields.tsx";

const draftOf = ({ contents, cron, timeZone, proveCron, retention }: PlanAnswer) => ({
  contents,
  cron,
  timeZone,
  proveCron,
  retention,
});

/** What is backed up, when, when that is proven, and for how long it is kept. */
export function PlanForm({ plan }: { plan: PlanAnswer }) {
  const { subject } = plan;
  const refusal = useRoleRefusal("admin");
  const [draft, setDraft] = useState(() => draftOf(plan));
  // Whose save the draft began from: another one that comes meanwhile is told, and taken only on request.
  const [seen, setSeen] = useState(plan.updatedAt);
  const change = (part: Partial<typeof draft>) => setDraft((held) => ({ ...held, ...part }));
  const [reason, setReason] = useStored(`reason plan ${subject}`);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const write = useRecoveryWrite(
    (input: Parameters<typeof setPlan>[1], key: string) => setPlan(subject, input, key),
    (saved) => {
      setReason("");
      setSeen(saved.updatedAt);
    },
  );
  const shown = { ...fieldsOf(write.error), ...errors };
  const sentence = `Save the plan of ${subjectTitle(subject)}`;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || write.isPending) return;
    const input = { ...draft, reason: reason.trim() };
    const found = fieldErrors(planSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) write.mutate(input);
  };
  return (
    <form onSubmit={submit} noValidate aria-label="Backup plan" className="xl:grid xl:grid-cols-2">
      {plan.updatedAt !== seen && !write.isPending && (
        <p role="alert" className="flex flex-wrap items-center gap-3 border-b bg-warn-soft px-4 py-2 xl:col-span-2">
          {plan.updatedBy} saved another plan meanwhile. Saving yours replaces it.
          <Button
            size="small"
            onClick={() => {
              setDraft(draftOf(plan));
              setSeen(plan.updatedAt);
            }}
          >
            Take theirs
          </Button>
        </p>
      )}
      <div className="min-w-0 xl:border-r">
        <SectionHeader title="Contents" />
        <div className="p-4">
          <ContentsFields
            contents={draft.contents}
            found={plan.found}
            isOwn={subject === ownSubject}
            onChange={(contents) => change({ contents })}
            errors={shown}
          />
        </div>
        <div className="border-t">
          <SectionHeader title="Schedule" />
        </div>
        <div className="grid gap-4 p-4">
          <CronField
            label="A backup is made"
            none="On request only"
            value={draft.cron}
            timeZone={draft.timeZone}
            onChange={(cron) => change({ cron })}
            errors={shown.cron}
          />
          <CronField
            label="The newest is restored into scratch"
            none="On request only"
            value={draft.proveCron}
            timeZone={draft.timeZone}
            onChange={(proveCron) => change({ proveCron })}
            errors={shown.proveCron}
          />
          <TimeZoneField value={draft.timeZone} onChange={(timeZone) => change({ timeZone })} errors={shown.timeZone} />
        </div>
      </div>
      <div className="min-w-0 border-t xl:border-t-0">
        <SectionHeader title="Retention" aside="a backup stays while one of the rules wants it" />
        <div className="p-4">
          <RetentionFields
            subject={subject}
            timeZone={draft.timeZone}
            retention={draft.retention}
            onChange={(retention) => change({ retention })}
            errors={shown}
          />
        </div>
        <div className="grid gap-3 border-t p-4">
          {write.error && <ErrorNotice what="The plan was not saved" error={write.error} />}
          {write.isSuccess && (
            <p role="status" className="text-good">
              Saved.
            </p>
          )}
          <ReasonField value={reason} onChange={setReason} errors={shown.reason} />
          <span>
            <Button type="submit" look="primary" busy={write.isPending} disabledReason={refusal}>
              {sentence}
            </Button>
          </span>
        </div>
      </div>
    </form>
  );
}
