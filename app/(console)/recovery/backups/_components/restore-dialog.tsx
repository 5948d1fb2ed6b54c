"use client";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { backupName, isRestorablePart, modeMeanings, modeNames, ownSubject, restoreAddress } from "#lib/client/recovery-view.ts";
import { restorePreviewQuery, startRestore } from "#lib/client/restores.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { BackupView, PartView } from "#lib/domain/recovery/backups/schemas.ts";
import { type RestoreMode, restoreModes } from "#lib/domain/recovery/restores/schemas.ts";
import { ReasonField } from "../../../../ui/actions/action-fields.tsx";
import { Check } from "../../../../ui/check.tsx";
import { Dialog } from "../../../../ui/dialog.tsx";
import { Field, Input } from "../../../../ui/field.tsx";
import { FormFooter } from "../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../ui/notices.tsx";
import { useRecoveryWrite } from "../../../../ui/recovery/use-recovery-write.ts";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { useSettled } from "../../../../ui/use-settled.ts";
import { useStored } from "../../../../ui/use-stored.ts";
import { InstantField } from "./instant-field.tsx";
import { emptyDraft, missingOf, orderOf, questionOf, type RestoreDraft, restoreSentence } from "./restore-draft.ts";
import { RestorePreviewView } from "./restore-preview-view.tsx";

type Properties = { backup: BackupView; parts: readonly PartView[]; onClose: () => void };

/** Where a backup goes and what that changes, stops and loses, told before it is done; then the restore's own page. */
export function RestoreDialog({ backup, parts, onClose }: Properties) {
  const router = useRouter();
  const formId = useId();
  const [draft, setDraft] = useState(emptyDraft);
  const change = (part: Partial<RestoreDraft>) => setDraft((held) => ({ ...held, ...part }));
  const [reason, setReason] = useStored(`reason restore ${backup.id}`);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const operator = useRoleRefusal("operator");
  const admin = useRoleRefusal("admin");
  // Only what is typed waits: the answer to another question than the chosen one must never be shown.
  const intoNamespace = useSettled(draft.intoNamespace, 300);
  const untilTime = useSettled(draft.untilTime, 300);
  const isNamed = intoNamespace === draft.intoNamespace;
  const isAsked = isNamed && untilTime === draft.untilTime;
  const preview = useQuery(restorePreviewQuery(backup.id, isAsked ? questionOf(draft) : null));
  // Which instants there are does not depend on the one that is typed: their field stays while the dry run is asked again.
  const instants = useQuery(restorePreviewQuery(backup.id, isNamed ? questionOf({ ...draft, untilTime: "" }) : null));
  const write = useRecoveryWrite(
    (order: ReturnType<typeof orderOf>, key: string) => startRestore(backup.id, order, key),
    (started) => {
      setReason("");
      onClose();
      router.push(restoreAddress(started));
    },
  );
  const missing = missingOf(draft, reason, backup.subject);
  const fields = fieldsOf(write.error);
  const shown = (field: string) => (wasSubmitted ? (missing[field] ?? fields?.[field]) : undefined);
  const [problem = null] = draft.isPresentLost ? [] : (preview.data?.problems ?? []);
  const isPending = draft.mode === "in-place" && questionOf(draft) !== null && !preview.data && !preview.error;
  const disabledReason =
    (draft.mode === "in-place" ? admin : operator) ?? (isPending ? "What it would do is still being asked." : problem);
  const sentence = restoreSentence(draft, backup);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (disabledReason || write.isPending || Object.values(missing).some(Boolean)) return;
    write.mutate(orderOf(draft, reason));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={`Restore ${backupName(backup)}`}
      description={backup.takenAt ? `What it holds is as of ${formatAbsolute(backup.takenAt)}.` : undefined}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={draft.mode === "in-place" ? "danger" : "primary"}
          busy={write.isPending}
          disabledReason={disabledReason}
        >
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        <ModeField
          mode={draft.mode}
          isOwn={backup.subject === ownSubject}
          onChange={(mode) => change({ mode, isPresentLost: false })}
        />
        <PartsField parts={parts} value={draft.parts} onChange={(next) => change({ parts: next })} errors={shown("parts")} />
        {draft.mode === "namespace" && (
          <Field label="Into namespace" errors={shown("intoNamespace")} hint="It is made when it is not there.">
            {(ties) => (
              <Input
                {...ties}
                spellCheck={false}
                autoComplete="off"
                className="font-mono text-xs"
                value={draft.intoNamespace}
                onChange={({ target }) => change({ intoNamespace: target.value })}
              />
            )}
          </Field>
        )}
        {instants.data && (
          <InstantField
            pointInTime={instants.data.pointInTime}
            value={draft.untilTime}
            onChange={(untilTime) => change({ untilTime })}
            errors={shown("untilTime")}
          />
        )}
        {questionOf(draft) && (
          <RestorePreviewView preview={preview.data} error={preview.error} onRetry={() => preview.refetch()} mode={draft.mode} />
        )}
        {draft.mode === "in-place" && preview.data && preview.data.problems.length > 0 && (
          <Check
            checked={draft.isPresentLost}
            disabled={admin !== null}
            onChange={(isPresentLost) => change({ isPresentLost })}
            label="The present cannot be saved any more: restore without a copy of it. It is tried all the same."
          />
        )}
        {draft.mode === "in-place" && (
          <Field label={`Type ${backup.subject} to confirm`} errors={shown("confirm")}>
            {(ties) => (
              <Input
                {...ties}
                spellCheck={false}
                autoComplete="off"
                className="font-mono text-xs"
                value={draft.confirm}
                onChange={({ target }) => change({ confirm: target.value })}
              />
            )}
          </Field>
        )}
        {write.error && <ErrorNotice what={`${sentence}: not begun`} error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={shown("reason")} />
      </form>
    </Dialog>
  );
}

function ModeField({
  mode,
  isOwn,
  onChange,
}: {
  mode: RestoreMode;
  /** Switchyard itself is restored by a command, which needs none of it. */
  isOwn: boolean;
  onChange: (mode: RestoreMode) => void;
}) {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 font-medium text-ink-2">Where to</legend>
      {restoreModes.map((each) => {
        const isRefused = isOwn && each !== "scratch";
        return (
          <label key={each} className="flex items-start gap-2">
            <input
              type="radio"
              name="mode"
              checked={mode === each}
              disabled={isRefused}
              onChange={() => onChange(each)}
              className="mt-1 accent-(--accent-solid)"
            />
            <span>
              <span className="font-medium">{modeNames[each]}</span>
              <span className="block text-ink-2">
                {isRefused ? "Switchyard cannot restore itself while it runs: npm run recover does." : modeMeanings[each]}
              </span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

function PartsField({
  parts,
  value,
  onChange,
  errors,
}: {
  parts: readonly PartView[];
  value: string[] | null;
  onChange: (parts: string[] | null) => void;
  errors?: string[];
}) {
  const names = parts.filter(({ name }) => isRestorablePart(name)).map(({ name }) => name);
  const chosen = value ?? names;
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-medium text-ink-2">What</legend>
      {parts
        .filter(({ name }) => isRestorablePart(name))
        .map(({ name, title }) => (
          <Check
            key={name}
            checked={chosen.includes(name)}
            onChange={(isOn) => {
              const next = names.filter((each) => (each === name ? isOn : chosen.includes(each)));
              onChange(next.length === names.length ? null : next);
            }}
            label={title}
          />
        ))}
      {errors && (
        <p role="alert" className="text-xs text-bad">
          {errors.join(" ")}
        </p>
      )}
    </fieldset>
  );
}
