"use client";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { ReasonField } from "../actions/action-fields.tsx";
import { Dialog } from "../dialog.tsx";
import { reasonErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useStored } from "../use-stored.ts";
import { useRecoveryWrite } from "./use-recovery-write.ts";

/** Says what an order does and what it leaves as it is, asks why, and sends it. */
export function OrderDialog({
  name,
  sentence,
  about,
  does,
  refusal,
  isDangerous = false,
  send,
  onClose,
}: {
  /** Under which the reason is kept while the dialog is closed. */
  name: string;
  /** Verb and object, for the title and the button. */
  sentence: string;
  about?: string;
  does: ReactNode;
  /** Why it may not be sent now. */
  refusal: string | null;
  isDangerous?: boolean;
  send: (reason: string, idempotencyKey: string) => Promise<unknown>;
  onClose: () => void;
}) {
  const formId = useId();
  const [reason, setReason] = useStored(`reason ${name}`);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const write = useRecoveryWrite(send, () => {
    setReason("");
    onClose();
  });
  const missing = reasonErrors(reason);
  const fields = fieldsOf(write.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (!missing && !refusal && !write.isPending) write.mutate(reason.trim());
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={about}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={isDangerous ? "danger" : "primary"}
          busy={write.isPending}
          disabledReason={refusal}
        >
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        <div className="text-ink-2">{does}</div>
        {refusal && <p className="text-warn">{refusal}</p>}
        {write.error && <ErrorNotice what={`${sentence}: not done`} error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? (missing ?? fields?.reason) : undefined} />
      </form>
    </Dialog>
  );
}
