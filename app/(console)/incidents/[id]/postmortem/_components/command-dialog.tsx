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
import { Field } from "../../../../../ui/field.tsx";
import { reasonErrors } from "../../../../../ui/field-errors.ts";
import { FormFooter } from "../../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { PersonInput } from "../../../../../ui/person-input.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { useStored } from "../../../../../ui/use-stored.ts";

const words: Record<PostmortemCommand, { title: string; about: string; failed: string }> = {
  review: {
    title: "Ask for a review",
    about: "Another person reads it, comments, and approves the text as it stands. It stays open for everybody.",
    failed: "It is no review yet",
  },
  approve: {
    title: "Approve the postmortem",
    about: "You have read it and stand for it beside its author. Another text than this one is not approved.",
    failed: "It is not approved",
  },
  return: {
    title: "Give it back",
    about: "It is a draft again. Say what is still to be done; details belong into comments.",
    failed: "It stays in review",
  },
  publish: {
    title: "Publish the postmortem",
    about:
      "The text is closed and the facts are kept as they are now, those who want to know are told, and the incident counts as documented.",
    failed: "It was not published",
  },
  reopen: {
    title: "Reopen the postmortem",
    about:
      "It is a draft again, the text can be written and the facts follow the incident; what was published stays in its history.",
    failed: "It stays as it is",
  },
};

/** What is done with a postmortem as a whole; an administrator may publish over what is missing with a reason. */
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
  const overrideRefusal = useRoleRefusal("admin");
  const { incidentId, gaps, commands } = postmortem;
  const [reason, setReason] = useStored(`${command} postmortem ${incidentId}`, "", "browser");
  const [reviewer, setReviewer] = useState(postmortem.reviewer ?? "");
  const [overrides, setOverrides] = useState(false);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const isBlocked = command === "publish" && gaps.length > 0;
  const isUnresolved = gaps.some(({ id }) => id === "unresolved");
  const needsReason = (isBlocked && overrides) || command === "reopen" || command === "return";
  const missing = needsReason ? reasonErrors(reason) : undefined;
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
    if (command === "review") return reviewer.trim() === "" ? {} : { reviewer: reviewer.trim() };
    if (!needsReason) return {};
    return command === "publish" ? { override: { reason } } : { reason };
  };
  const disabledReason =
    refusal ??
    (command === "publish" ? (isBlocked && !overrides ? "Something is missing: see to it first." : null) : commands[command]);
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
            {!isUnresolved && overrideRefusal === null && (
              <Check
                checked={overrides}
                onChange={setOverrides}
                label="Publish it all the same, as an administrator: the postmortem says so"
              />
            )}
            {!isUnresolved && overrideRefusal !== null && (
              <p className="text-ink-2">An administrator may publish it all the same, with a reason.</p>
            )}
          </>
        )}
        {command === "review" && (
          <Field label="Reviewer" hint="Somebody who neither owns it nor wrote it. Empty: whoever finds the time.">
            {(ties) => (
              <PersonInput
                {...ties}
                autoFocus
                maxLength={100}
                value={reviewer}
                onChange={({ target }) => setReviewer(target.value)}
              />
            )}
          </Field>
        )}
        {send.error && <ErrorNotice what={failed} error={send.error} />}
        {needsReason && <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? missing : undefined} />}
      </form>
    </Dialog>
  );
}
