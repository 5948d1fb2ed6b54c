"use client";
import { type FormEvent, useId, useState } from "react";
import { removeLink } from "#lib/client/incidents.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { reasonErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

/** Takes an alert away from an incident, with the reason that stays in its timeline. */
export function UnlinkDialog({
  incident,
  link: { kind, targetId, title },
  onClose,
}: {
  incident: IncidentDetail;
  link: IncidentDetail["links"][number];
  onClose: () => void;
}) {
  const formId = useId();
  const [reason, setReason] = useState("");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const write = useIncidentWrite({ onDone: onClose });
  const missing = reasonErrors(reason);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (!missing && !write.isPending) write.mutate(() => removeLink(incident.id, { kind, targetId, reason: reason.trim() }));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Take ${title} away`}
      description="It does not belong to this incident any more. While it fires on its services, it still stands against a resolution."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending}>
          Take it away
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? missing : undefined} />
        {write.error !== null && <ErrorNotice what={`${title} was not taken away`} error={write.error} />}
      </form>
    </Dialog>
  );
}
