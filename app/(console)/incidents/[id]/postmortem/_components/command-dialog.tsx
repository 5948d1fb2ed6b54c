"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { auditKeys } from "#lib/client/audit.ts";
import { incidentKeys } from "#lib/client/incidents.ts";
import { postmortemKeys, sendPostmortemCommand } from "#lib/client/postmortems.ts";
import type { PostmortemCommand, PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { ReasonField } from "../../../../../ui/actions/action-fields.tsx";
import { Check } from "../../../../../ui/check.tsx";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { FormFooter } from "../../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { useStored } from "../../../../../ui/use-stored.ts";

const words: Record<PostmortemCommand, { title: string; about: string; failed: string }> = {
  review: {
    title: "Ask for a review",
    about: "Others are asked to read it and to comment. The text stays open for everybody.",
    failed: "It is no review yet",
  },
  publish: {
    title: "Publish the postmortem",
    about: "The text is closed, those who want to know are told, and the incident counts as documented.",
    failed: "It was not published",
  },
  reopen: {
    title: "Back to a draft",
    about: "The text can be written again; what was published stays in its history.",
    failed: "It stays as it is",
  },
};

/** What is done with a postmortem as a whole; what is missing is named, and may be published over with a reason. */
export function CommandDialog({
  command,
  postmortem,
  onClose,
}: {
  command: PostmortemCommand;
  postmortem: PostmortemView;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const { incidentId, gaps, state } = postmortem;
  const [reason, setReason] = useStored(`${command} postmortem ${incidentId}`);
  const [overrides, setOverrides] = useState(false);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const isBlocked = command === "publish" && gaps.length > 0;
  const needsReason = (isBlocked && overrides) || (command === "reopen" && state === "published");
  const missing = needsReason && reason.trim().length < 3 ? ["Say why, in a few words."] : undefined;
  const { title, about, failed } = words[command];
  const send = useMutation({
    mutationFn: () => sendPostmortemCommand(incidentId, command, inputOf()),
    onSuccess: () => {
      setReason("");
      onClose();
    },
    onSettled: () => {
      for (const queryKey of [postmortemKeys.all, incidentKeys.all, auditKeys.all]) void queries.invalidateQueries({ queryKey });
    },
  });
  const inputOf = () => {
    if (!needsReason) return {};
    return command === "publish" ? { override: { reason } } : { reason };
  };
  const disabledReason =
    refusal ?? (isBlocked && !overrides ? "Something is missing: write it, or publish over it with a reason." : null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (!disabledReason && !send.isPending && !missing) send.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={about}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          look={isBlocked && overrides ? "danger" : "primary"}
          busy={send.isPending}
          disabledReason={disabledReason}
        >
          {title}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        {isBlocked && (
          <>
            <ul className="list-disc pl-5 text-warn">
              {gaps.map(({ id, message }) => (
                <li key={id}>{message}</li>
              ))}
            </ul>
            <Check checked={overrides} onChange={setOverrides} label="Publish it all the same" />
          </>
        )}
        {send.error && <ErrorNotice what={failed} error={send.error} />}
        {needsReason && <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? missing : undefined} />}
      </form>
    </Dialog>
  );
}
