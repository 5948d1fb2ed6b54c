"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { commandEffects, commandSentence } from "#lib/client/rollout-view.ts";
import {
  type RolloutCommand,
  type RolloutOrder,
  retryBlockersQuery,
  rolloutKeys,
  sendRolloutCommand,
} from "#lib/client/rollouts.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { ReasonField } from "../actions/action-fields.tsx";
import { BlockersNotice, OverrideCheck } from "../blockers.tsx";
import { Dialog } from "../dialog.tsx";
import { reasonErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useOrderKey } from "../use-send-key.ts";
import { useStored } from "../use-stored.ts";

/** What a command will do, why it is given, and then the page itself, which shows it being done. */
export function CommandDialog({
  command,
  rollout,
  refusal,
  onClose,
}: {
  command: RolloutCommand;
  rollout: RolloutDetail;
  /** Why it may not be sent now; the rollout goes on while the dialog is open. */
  refusal: string | null;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const formId = useId();
  const [reason, setReason] = useStored(`reason ${command} rollout ${rollout.id}`);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [overrides, setOverrides] = useState(false);
  const blockers = useQuery({ ...retryBlockersQuery(rollout.id), enabled: command === "retry" }).data ?? [];
  const canOverride = blockers.some((blocker) => blocker.canOverride);
  const standing = blockers.find((blocker) => !(overrides && blocker.canOverride));
  const disabledReason = refusal ?? standing?.message ?? null;
  const keyOf = useOrderKey();
  const sentence = commandSentence(command, rollout.service);
  const { does, leaves } = commandEffects(command, rollout);
  const fields = fieldsOf(error);
  const missing = reasonErrors(reason);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (missing || busy || disabledReason) return;
    const order: RolloutOrder = { reason: reason.trim(), ...(overrides && canOverride && { override: true }) };
    setBusy(true);
    setError(null);
    try {
      await sendRolloutCommand(rollout.id, command, order, keyOf(order));
      setReason("");
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    } finally {
      void queries.invalidateQueries({ queryKey: rolloutKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={rollout.message}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={command === "abort" || (overrides && canOverride) ? "danger" : "primary"}
          busy={busy}
          disabledReason={disabledReason}
        >
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <div>
          <ul className="list-disc pl-4">
            {does.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          <p className="mt-1 text-ink-2">{leaves}</p>
        </div>
        {refusal && <p className="text-warn">{refusal}</p>}
        {blockers.length > 0 && (
          <BlockersNotice blockers={blockers}>
            {canOverride && <OverrideCheck checked={overrides} onChange={setOverrides} />}
          </BlockersNotice>
        )}
        {error !== null && <ErrorNotice what={`${sentence}: not done`} error={error} />}
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? (missing ?? fields?.reason) : undefined} />
      </form>
    </Dialog>
  );
}
