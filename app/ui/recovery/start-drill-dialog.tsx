"use client";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { type DrillQuestion, drillPreviewQuery, startDrill } from "#lib/client/drills.ts";
import { drillAddress, subjectTitle } from "#lib/client/recovery-view.ts";
import { type DrillPreview, drillSettingsSchema } from "#lib/domain/recovery/drills/schemas.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { ReasonField } from "../actions/action-fields.tsx";
import { Check } from "../check.tsx";
import { Dialog } from "../dialog.tsx";
import { Field, Input } from "../field.tsx";
import { reasonErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice, Skeleton } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useSettled } from "../use-settled.ts";
import { useStored } from "../use-stored.ts";
import { DrillSettingsFields, defaultSettings, ScenarioField } from "./drill-fields.tsx";
import { blockingGuard, DrillPreviewView } from "./drill-preview-view.tsx";
import { SubjectField } from "./subject-field.tsx";
import { useRecoveryWrite } from "./use-recovery-write.ts";

/** Says what a drill does, what stands against it and what it cannot show, then begins it and goes to it. */
export function StartDrillDialog({
  subject: given,
  scenario: wanted,
  onClose,
}: {
  subject?: string;
  scenario?: Scenario;
  onClose: () => void;
}) {
  const router = useRouter();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [subject, setSubject] = useState(given ?? "");
  const [scenario, setScenario] = useState<Scenario | null>(wanted ?? null);
  const [settings, setSettings] = useState(defaultSettings);
  const [override, setOverride] = useState<string | null>(null);
  const [reason, setReason] = useStored("reason drill");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  // Only what is typed waits: the answer to another question than the chosen one must never be shown.
  const settled = useSettled(settings, 300);
  const isReadable = drillSettingsSchema.safeParse(settings).success;
  const isAsked = JSON.stringify(settled) === JSON.stringify(settings) && isReadable;
  const question: DrillQuestion | null = scenario && subject !== "" && isAsked ? { scenario, subject, settings } : null;
  const preview = useQuery(drillPreviewQuery(question));
  const write = useRecoveryWrite(startDrill, (started) => {
    setReason("");
    onClose();
    router.push(drillAddress(started));
  });
  const fields = fieldsOf(write.error) ?? {};
  const needsOverride = preview.data?.guards.some(({ state }) => state === "override") ?? false;
  const missing = {
    subject: subject === "" ? ["Choose what it is carried out on."] : undefined,
    scenario: scenario === null ? ["Choose what happens."] : undefined,
    reason: reasonErrors(reason),
    override: override !== null && override.trim().length < 3 ? ["Say why it may be done all the same."] : undefined,
  };
  const sentence = scenario && subject ? `Drill: ${scenarioInfos[scenario].title} on ${subjectTitle(subject)}` : "Start a drill";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    const isMissing = Object.values(missing).some(Boolean) || scenario === null;
    if (isMissing || disabledReason || write.isPending) return;
    write.mutate({
      scenario,
      subject,
      settings,
      override: needsOverride && override !== null ? override.trim() : null,
      reason: reason.trim(),
    });
  };
  const isPending = scenario !== null && subject !== "" && isReadable && !preview.data && !preview.error;
  const disabledReason =
    refusal ?? (isPending ? "What it would do is still being asked." : refusalOf(preview.data, override !== null));
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={sentence}
      description="A fault on purpose, measured from where users stand. It can be aborted at any time, and always cleans up."
      footer={
        <FormFooter onClose={onClose} form={formId} look="danger" busy={write.isPending} disabledReason={disabledReason}>
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        <div className="grid items-start gap-3 sm:grid-cols-2">
          {given === undefined && (
            <SubjectField
              value={subject}
              onChange={(next) => {
                setSubject(next);
                setSettings(defaultSettings);
              }}
              errors={wasSubmitted ? (missing.subject ?? fields.subject) : undefined}
            />
          )}
          {subject !== "" && (
            <ScenarioField
              subject={subject}
              value={scenario}
              onChange={(next) => {
                setScenario(next);
                setSettings(defaultSettings);
              }}
              errors={wasSubmitted ? (missing.scenario ?? fields.scenario) : undefined}
            />
          )}
        </div>
        {scenario && subject !== "" && (
          <DrillSettingsFields scenario={scenario} subject={subject} settings={settings} onChange={setSettings} errors={fields} />
        )}
        {scenario && subject !== "" && isReadable && (
          <Preview preview={preview.data} error={preview.error} onRetry={() => preview.refetch()} />
        )}
        {needsOverride && (
          <Override value={override} onChange={setOverride} errors={wasSubmitted ? missing.override : undefined} />
        )}
        {write.error && <ErrorNotice what="The drill was not begun" error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? (missing.reason ?? fields.reason) : undefined} />
      </form>
    </Dialog>
  );
}

/** Why it may not begin now. */
function refusalOf(preview: DrillPreview | undefined, overrides: boolean): string | null {
  if (!preview) return null;
  const blocking = blockingGuard(preview.guards) ?? preview.guards.find(({ state }) => state === "override" && !overrides);
  return blocking?.message ?? null;
}

function Preview({ preview, error, onRetry }: { preview: DrillPreview | undefined; error: Error | null; onRetry: () => void }) {
  if (preview) return <DrillPreviewView preview={preview} />;
  if (error) return <ErrorNotice what="What it would do could not be told" error={error} onRetry={onRetry} />;
  return <Skeleton className="h-40" />;
}

/** An administrator's will to begin in spite of a guard rail, with the words that go into the audit. */
function Override({
  value,
  onChange,
  errors,
}: {
  value: string | null;
  onChange: (override: string | null) => void;
  errors?: string[];
}) {
  const refusal = useRoleRefusal("admin");
  return (
    <div className="grid gap-2 rounded-md border border-warn-fill/40 bg-warn-soft px-3 py-2.5">
      <Check
        checked={value !== null}
        disabled={refusal !== null}
        onChange={(isOn) => onChange(isOn ? "" : null)}
        label={
          <>
            Override as administrator
            {refusal && <span className="block text-xs text-ink-2">{refusal}</span>}
          </>
        }
      />
      {value !== null && (
        <Field label="Why it may be done all the same" errors={errors}>
          {(ties) => <Input {...ties} maxLength={500} value={value} onChange={({ target }) => onChange(target.value)} />}
        </Field>
      )}
    </div>
  );
}
