"use client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { alertKeys, expireSilence, extendSilence } from "#lib/client/alerts.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { SilenceView } from "#lib/domain/alerts/silences-schemas.ts";
import { DurationField } from "../../../ui/alerts/duration-field.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, TextArea } from "../../../ui/field.tsx";
import { reasonErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useStored } from "../../../ui/use-stored.ts";

/** Lets a silence last longer, or ends it now. */
export function ChangeSilenceDialog({
  what,
  silence,
  onClose,
}: {
  what: "extend" | "expire";
  silence: SilenceView;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [minutes, setMinutes] = useState(60);
  const [reason, setReason] = useStored(`${what} reason ${silence.id}`);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fields = fieldsOf(error);
  const missing = reasonErrors(reason);
  const sentence = what === "extend" ? "Extend the silence" : "Expire the silence";
  const shorter = what === "extend" && Date.now() + minutes * 60_000 < Date.parse(silence.endsAt);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (busy || refusal || missing) return;
    setBusy(true);
    setError(null);
    try {
      if (what === "extend") await extendSilence(silence.id, { durationMinutes: minutes, reason: reason.trim() });
      else await expireSilence(silence.id, { reason: reason.trim() });
      setReason("");
      void queries.invalidateQueries({ queryKey: auditKeys.all });
      await queries.invalidateQueries({ queryKey: alertKeys.all });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={silence.comment}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={what === "expire" ? "danger" : "primary"}
          busy={busy}
          disabledReason={refusal}
        >
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <p className="break-all rounded-md bg-sunken px-3 py-2 font-mono text-xs">{silence.text}</p>
        <p className="text-ink-2">
          It ends {formatAbsolute(silence.endsAt)}.{" "}
          {what === "expire" &&
            (silence.hides > 0
              ? `${countOf(silence.hides, "alert")} that it hides will be told again within Alertmanager's group interval.`
              : "It hides nothing that fires now.")}
        </p>
        {what === "extend" && (
          <>
            <DurationField label="From now, for" minutes={minutes} onChange={setMinutes} errors={fields?.durationMinutes} />
            {shorter && <p className="text-warn">That is sooner than it ends now.</p>}
          </>
        )}
        <Field label="Reason" errors={(wasSubmitted ? missing : undefined) ?? fields?.reason} hint="Kept in the audit.">
          {(ties) => (
            <TextArea
              {...ties}
              autoFocus
              rows={2}
              value={reason}
              maxLength={500}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNotice what={`${sentence}: not done`} error={error} />}
      </form>
    </Dialog>
  );
}
