"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { changePostmortemOwner, postmortemKeys } from "#lib/client/postmortems.ts";
import type { PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { changePostmortemSchema } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { Field } from "../../../../../ui/field.tsx";
import { fieldErrors } from "../../../../../ui/field-errors.ts";
import { FormFooter } from "../../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { PersonInput } from "../../../../../ui/person-input.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";

/** Who sees to it that the postmortem is written. */
export function OwnerDialog({ postmortem: { incidentId, owner }, onClose }: { postmortem: PostmortemView; onClose: () => void }) {
  const queries = useQueryClient();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [name, setName] = useState(owner);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const change = useMutation({
    mutationFn: () => changePostmortemOwner(incidentId, name),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  const shown = { ...fieldsOf(change.error), ...errors };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = fieldErrors(changePostmortemSchema, { owner: name });
    setErrors(found);
    if (!refusal && !change.isPending && Object.keys(found).length === 0) change.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Owner of the postmortem"
      description="One person who sees to it that it is written and published. Everybody may write in it."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={change.isPending} disabledReason={refusal}>
          Change the owner
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        <Field label="Owner" errors={shown.owner}>
          {(ties) => (
            <PersonInput {...ties} autoFocus maxLength={100} value={name} onChange={({ target }) => setName(target.value)} />
          )}
        </Field>
        {change.error && Object.keys(shown).length === 0 && <ErrorNotice what="The owner is as before" error={change.error} />}
      </form>
    </Dialog>
  );
}
