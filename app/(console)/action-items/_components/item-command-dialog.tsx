"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { itemKeys, itemName, sendItemCommand } from "#lib/client/action-items.ts";
import { codeOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { postmortemKeys } from "#lib/client/postmortems.ts";
import type { ItemCommand, ItemView } from "#lib/domain/incidents/action-items/schemas.ts";
import { proofInfos, proofName } from "#lib/domain/incidents/action-items/schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { Check } from "../../../ui/check.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { reasonErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useOrderKey } from "../../../ui/use-send-key.ts";
import { useStored } from "../../../ui/use-stored.ts";

/** Closes an item, which runs its proof, or opens it again. */
export function ItemCommandDialog({ item, command, onClose }: { item: ItemView; command: ItemCommand; onClose: () => void }) {
  const queries = useQueryClient();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [reason, setReason] = useStored(`${command} reason ${item.id}`);
  const [overrides, setOverrides] = useState(false);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const needsReason = command === "reopen" || overrides;
  const missing = needsReason ? reasonErrors(reason) : undefined;
  const keyOf = useOrderKey();
  const send = useMutation({
    mutationFn: () => {
      const input = command === "reopen" ? { reason } : { override: overrides ? { reason } : null };
      return sendItemCommand(item.id, command, input, keyOf(input));
    },
    onSuccess: () => {
      setReason("");
      onClose();
    },
    onSettled: () => {
      for (const queryKey of [itemKeys.all, postmortemKeys.all, auditKeys.all]) void queries.invalidateQueries({ queryKey });
    },
  });
  const canOverride = command === "close" && codeOf(send.error) === "precondition-failed";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (!refusal && !send.isPending && !missing) send.mutate();
  };
  const sentence = `${command === "close" ? "Close" : "Reopen"} ${itemName(item)}`;
  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={item.title}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={overrides ? "danger" : "primary"}
          busy={send.isPending}
          disabledReason={refusal}
        >
          {sentence}
          {overrides && " all the same"}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        {command === "close" && <Proving item={item} />}
        {send.error && <ErrorNotice what={command === "close" ? "It stays open" : "It stays closed"} error={send.error} />}
        {(canOverride || overrides) && (
          <Check checked={overrides} onChange={setOverrides} label="Close it all the same. Its postmortem says so." />
        )}
        {needsReason && <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? missing : undefined} />}
      </form>
    </Dialog>
  );
}

function Proving({ item: { proof, isWatched } }: { item: ItemView }) {
  return (
    <div className="grid gap-1 text-ink-2">
      <p>
        {proof ? (
          <>
            Its proof is run now. <span className="font-medium text-ink">{proofInfos[proof.kind].title}:</span>{" "}
            {proofInfos[proof.kind].about} <span className="name">{proofName(proof)}</span>
            {proof.kind === "alert-rule" && `, within ${proof.withinSeconds} s`}.
            {proofInfos[proof.kind].missing !== null && (
              <span className="text-warn"> {proofInfos[proof.kind].missing} It can prove nothing until then.</span>
            )}
          </>
        ) : (
          "It has no proof: your word closes it."
        )}
      </p>
      {isWatched && <p>It opens again by itself when one of the incident's alerts fires after this.</p>}
    </div>
  );
}
