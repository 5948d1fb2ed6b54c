"use client";
import { OctagonX } from "lucide-react";
import Link from "next/link";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { commandMeanings, commandMoment, commandSentence } from "#lib/client/incident-view.ts";
import { sendIncidentCommand } from "#lib/client/incidents.ts";
import type { IncidentCommand, IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { Check } from "../../../ui/check.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, TextArea } from "../../../ui/field.tsx";
import { reasonErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { type Moment, MomentField } from "../../../ui/incidents/moment-field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useStored } from "../../../ui/use-stored.ts";
import { useIncidentWrite } from "./use-incident-write.ts";

/** Says what a command means, when it was so, and of a resolution what still speaks against it. */
export function IncidentCommandDialog({
  command,
  incident,
  refusal,
  onClose,
}: {
  command: IncidentCommand;
  incident: IncidentDetail;
  /** Why it may not be given now; the incident goes on while the dialog is open. */
  refusal: string | null;
  onClose: () => void;
}) {
  const formId = useId();
  const moment = commandMoment[command];
  // What the data say is closer to the truth than when somebody came to press a button.
  const [at, setAt] = useState<Moment>(command === "mitigate" ? incident.recoveredAt : null);
  const [note, setNote] = useStored(`${command} note incident ${incident.id}`, "", "browser");
  const [reason, setReason] = useStored(`${command} override incident ${incident.id}`, "", "browser");
  const [overrides, setOverrides] = useState(false);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const blockers = command === "resolve" ? incident.resolveBlockers : [];
  const needsOverride = blockers.length > 0;
  const write = useIncidentWrite({
    onDone: () => {
      setNote("");
      setReason("");
      onClose();
    },
  });
  const fields = fieldsOf(write.error);
  const missing = needsOverride ? reasonErrors(reason) : undefined;
  const blocked = needsOverride && !overrides ? (blockers[0]?.message ?? null) : null;
  const sentence = commandSentence(command, incident);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (refusal || blocked || missing || write.isPending) return;
    write.mutate(() =>
      sendIncidentCommand(incident.id, command, {
        ...(moment && at && { at }),
        ...(note.trim() && { note: note.trim() }),
        override: needsOverride ? { reason: reason.trim() } : null,
      }),
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={commandMeanings[command]}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={needsOverride ? "danger" : "primary"}
          busy={write.isPending}
          disabledReason={refusal ?? blocked}
        >
          {needsOverride ? `${sentence} all the same` : sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        {refusal && <p className="text-warn">{refusal}</p>}
        {needsOverride && (
          <div className="grid gap-2 rounded-md border border-bad-fill/40 bg-bad-soft px-3 py-2.5">
            <p className="font-medium text-bad">It does not look resolved</p>
            <ul className="grid gap-0.5">
              {blockers.map((blocker) => (
                <li key={`${blocker.id} ${blocker.message}`} className="flex items-start gap-2">
                  <OctagonX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
                  <span>
                    {blocker.message}{" "}
                    {blocker.href && (
                      <Link href={blocker.href} target="_blank" className="text-accent hover:underline">
                        Look
                      </Link>
                    )}
                  </span>
                </li>
              ))}
            </ul>
            <Check
              checked={overrides}
              onChange={setOverrides}
              label="Resolve it in spite of this; the reason stays with the incident and its postmortem"
            />
            {overrides && (
              <ReasonField
                value={reason}
                onChange={setReason}
                errors={(wasSubmitted ? missing : undefined) ?? fields?.["override.reason"]}
              />
            )}
          </div>
        )}
        {moment && (
          <MomentField
            label="It was so"
            value={at}
            onChange={setAt}
            errors={fields?.at ?? fields?.[moment]}
            hint={
              command === "mitigate" && at !== null && at === incident.recoveredAt ? "When it recovered, by the data." : undefined
            }
          />
        )}
        <Field label="Note (optional)" errors={fields?.note} hint="Goes into the timeline. Markdown.">
          {(ties) => (
            <TextArea {...ties} rows={2} maxLength={20_000} value={note} onChange={({ target }) => setNote(target.value)} />
          )}
        </Field>
        {write.error !== null && <ErrorNotice what={`${sentence}: not done`} error={write.error} />}
      </form>
    </Dialog>
  );
}
