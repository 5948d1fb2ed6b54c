"use client";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { changeEvent } from "#lib/client/incidents.ts";
import { mergeTexts, settleConflicts } from "#lib/domain/incidents/postmortem/merge.ts";
import type { IncidentDetail, TimelineRow } from "#lib/domain/incidents/schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { Check } from "../../../ui/check.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, TextArea } from "../../../ui/field.tsx";
import { reasonErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { TimeInput } from "../../../ui/incidents/moment-field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useSendKey } from "../../../ui/use-send-key.ts";
import { useStored } from "../../../ui/use-stored.ts";
import { isOfPeople } from "./timeline-line.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

/** Changes a row of the timeline, with a reason. What Switchyard wrote keeps its words. */
export function EventDialog({ incident, row, onClose }: { incident: IncidentDetail; row: TimelineRow; onClose: () => void }) {
  const formId = useId();
  const [edited, setEdited] = useStored(`edit of event ${row.id}`, "", "browser");
  const text = edited === "" ? row.message : readEdit(edited, row.message);
  const setText = (next: string) => setEdited(next === row.message ? "" : JSON.stringify({ was: row.message, text: next }));
  const [at, setAt] = useState(row.at);
  const [isHidden, setHidden] = useState(row.isHidden);
  const [reason, setReason] = useStored(`reason for event ${row.id}`, "", "browser");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const { keyOf, answered } = useSendKey(`event ${row.id}`);
  const close = () => {
    setEdited("");
    setReason("");
    onClose();
  };
  const write = useIncidentWrite({
    onDone: () => {
      answered();
      close();
    },
  });
  const fields = fieldsOf(write.error);
  const missing = reasonErrors(reason);
  const changes = {
    ...(isOfPeople(row) && text.trim() !== row.message && { text }),
    ...(at !== row.at && { at }),
    ...(isHidden !== row.isHidden && { isHidden }),
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (Object.keys(changes).length === 0) close();
    else if (!missing && !write.isPending) {
      const input = { ...changes, reason: reason.trim() };
      const key = keyOf(input);
      write.mutate(() => changeEvent(incident.id, row.id, input, key));
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title="Edit the timeline"
      description="What it was before stays in the audit."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending}>
          Save
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-3.5" noValidate>
        {isOfPeople(row) ? (
          <Field label="Text" errors={fields?.text}>
            {(ties) => (
              <TextArea {...ties} rows={5} maxLength={20_000} value={text} onChange={({ target }) => setText(target.value)} />
            )}
          </Field>
        ) : (
          <p className="border-l-2 pl-3 text-ink-2">{row.message}</p>
        )}
        <Field label="When it happened" errors={fields?.at}>
          {(ties) => <TimeInput {...ties} value={at} onChange={setAt} />}
        </Field>
        <Check checked={isHidden} onChange={setHidden} label="Hide it: it says nothing about this incident" />
        <ReasonField
          value={reason}
          onChange={setReason}
          errors={wasSubmitted && Object.keys(changes).length > 0 ? (missing ?? fields?.reason) : undefined}
        />
        {write.error !== null && <ErrorNotice what="Not changed" error={write.error} />}
      </form>
    </Dialog>
  );
}

/** What was typed before, into the words as they are now. */
function readEdit(edited: string, message: string): string {
  try {
    const { was, text } = JSON.parse(edited) as { was: string; text: string };
    return was === message ? text : settleConflicts(mergeTexts(was, text, message), []);
  } catch {
    return message;
  }
}
