"use client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { sentenceOf } from "#lib/client/alert-view.ts";
import { acknowledgeAlerts, alertKeys, unacknowledgeAlerts } from "#lib/client/alerts.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import { Elapsed } from "../clock.tsx";
import { Dialog } from "../dialog.tsx";
import { Field, Input } from "../field.tsx";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { SeverityShape } from "../severity.tsx";

const mostAtOnce = 500;

/** Takes alerts, or gives them back; a note may be left and need not. Enter is enough. */
export function AcknowledgeDialog({
  alerts,
  takesBack,
  onClose,
}: {
  alerts: AlertRow[];
  takesBack: boolean;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const formId = useId();
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const refusal = useRoleRefusal("operator");
  const chosen = alerts.slice(0, mostAtOnce);
  const [only] = alerts;
  const what = alerts.length === 1 && only ? only.name : countOf(chosen.length, "alert");
  const sentence = takesBack ? `Take back the acknowledgement of ${what}` : `Acknowledge ${what}`;
  const fields = fieldsOf(error);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || refusal) return;
    setBusy(true);
    setError(null);
    const input = { ids: chosen.map((alert) => alert.id), ...(note.trim() ? { note: note.trim() } : {}) };
    try {
      await (takesBack ? unacknowledgeAlerts(input) : acknowledgeAlerts(input));
      await queries.invalidateQueries({ queryKey: alertKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
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
      description={
        takesBack
          ? "It counts as firing again, for everybody."
          : "Everybody sees that you have taken it. It goes on firing, and nothing is hidden."
      }
      footer={
        <FormFooter onClose={onClose} form={formId} busy={busy} disabledReason={refusal}>
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <ul className="grid gap-1">
          {chosen.slice(0, 6).map((alert) => (
            <li key={alert.id} className="flex min-w-0 items-center gap-2">
              <SeverityShape severity={alert.severity} />
              <span className="min-w-0 truncate">
                <span className="name font-medium">{alert.name}</span>{" "}
                <span className="text-ink-2">{sentenceOf(alert) === alert.name ? alert.service : sentenceOf(alert)}</span>
              </span>
              <span className="ml-auto shrink-0 text-ink-3">
                <Elapsed from={alert.startsAt} to={alert.endsAt} />
              </span>
            </li>
          ))}
          {chosen.length > 6 && <li className="text-ink-3">and {chosen.length - 6} more</li>}
        </ul>
        {alerts.length > mostAtOnce && (
          <p className="text-warn">
            At most {mostAtOnce} at once: these are the first of {alerts.length}.
          </p>
        )}
        <Field label="Note (optional)" errors={fields?.note} hint="Kept with the alert and in the audit.">
          {(ties) => (
            <Input
              {...ties}
              autoFocus
              value={note}
              maxLength={500}
              onChange={(event) => setNote(event.target.value)}
              placeholder="e.g. looking at the relay's database"
            />
          )}
        </Field>
        {error !== null && <ErrorNotice what={`${sentence}: not done`} error={error} />}
      </form>
    </Dialog>
  );
}
