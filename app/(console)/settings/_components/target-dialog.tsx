"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { createTarget, notificationKeys, targetKindNames, updateTarget } from "#lib/client/notifications.ts";
import {
  type CreateTargetInput,
  type TargetKind,
  type TargetView,
  type TargetWithSecret,
  targetKinds,
  type UpdateTargetInput,
} from "#lib/domain/notifications/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { FilterFields, firstFilter } from "./target-filter-fields.tsx";
import { readSettings } from "./target-input.ts";
import { RemoveTargetDialog, RotateTargetDialog, SigningSecret } from "./target-secret-dialogs.tsx";
import { AddressField, MailFields } from "./target-settings-fields.tsx";

const kindHints: Record<TargetKind, string> = {
  webhook: "For programs: each message as signed JSON.",
  slack: "For people: Slack, Mattermost, Rocket.Chat and what else takes Slack’s incoming webhooks.",
  email: "For people: by a mail server of yours.",
};

/** Adds a target, or changes one. The server checks what was entered, and its words stand beside the fields. */
export function TargetDialog({ target, onClose }: { target: TargetView | null; onClose: () => void }) {
  const queries = useQueryClient();
  const [kind, setKind] = useState<TargetKind>(target?.settings.kind ?? "webhook");
  const [filter, setFilter] = useState(target?.filter ?? firstFilter);
  const [asking, setAsking] = useState<"rotate" | "remove" | null>(null);
  const [shown, setShown] = useState<TargetWithSecret | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const save = useMutation({
    mutationFn: (input: object) =>
      target ? updateTarget(target.id, input as UpdateTargetInput) : createTarget(input as CreateTargetInput),
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: notificationKeys.targets });
      if (answer.signingSecret) setShown(answer);
      else onClose();
    },
  });
  const errors = fieldsOf(save.error) ?? {};
  useEffect(() => {
    if (save.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [save.error]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = String(data.get("name") ?? "");
    const settings = readSettings(kind, data, target?.settings ?? null);
    save.mutate(
      target
        ? { name, filter, disabled: data.get("enabled") !== "on", ...(settings ? { settings } : {}) }
        : { kind, name, filter, settings },
    );
  };

  if (shown?.signingSecret) return <SigningSecret shown={shown} isNew={!target} onClose={onClose} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title={target ? target.name : "Add a target"}
      description={target ? targetKindNames[kind] : undefined}
      footer={
        <>
          {target && (
            <Button look="ghost" className="mr-auto" onClick={() => setAsking("remove")}>
              Remove
            </Button>
          )}
          <FormFooter onClose={onClose} form="target-form" busy={save.isPending}>
            {target ? "Save the target" : "Add the target"}
          </FormFooter>
        </>
      }
    >
      <form ref={form} id="target-form" onSubmit={submit} noValidate className="grid gap-3">
        {!target && <KindChoice kind={kind} onChange={setKind} />}
        <Field label="Name" errors={errors.name} hint="The log and the audit call it so.">
          {(ties) => <Input {...ties} name="name" autoComplete="off" defaultValue={target?.name} autoFocus={!target} />}
        </Field>
        {kind === "email" ? (
          <MailFields settings={target?.settings.kind === "email" ? target.settings : null} errors={errors} />
        ) : (
          <AddressField
            kind={kind}
            present={target && target.settings.kind !== "email" ? target.settings.address : null}
            errors={errors}
          />
        )}
        {target && kind === "webhook" && (
          <p className="flex flex-wrap items-center justify-between gap-2">
            <span className="font-medium text-ink-2">Signing secret</span>
            <Button size="small" onClick={() => setAsking("rotate")}>
              New signing secret
            </Button>
          </p>
        )}
        <FilterFields filter={filter} errors={errors} onChange={setFilter} />
        {target && (
          <label className="flex items-start gap-2">
            <input type="checkbox" name="enabled" defaultChecked={!target.disabled} className="mt-1" />
            <span>
              Send to this target.{" "}
              <span className="text-ink-3">While this is off, only tests go to it; what waits is cancelled.</span>
            </span>
          </label>
        )}
        {save.error && Object.keys(errors).length === 0 && <ErrorNotice what="Nothing was saved" error={save.error} />}
      </form>
      {target && asking === "rotate" && <RotateTargetDialog target={target} onClose={() => setAsking(null)} />}
      {target && asking === "remove" && (
        <RemoveTargetDialog target={target} onClose={() => setAsking(null)} onRemoved={onClose} />
      )}
    </Dialog>
  );
}

function KindChoice({ kind, onChange }: { kind: TargetKind; onChange: (kind: TargetKind) => void }) {
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-medium text-ink-2">Kind</legend>
      {targetKinds.map((each) => (
        <label key={each} className="flex items-start gap-2">
          <input type="radio" name="kind" checked={kind === each} onChange={() => onChange(each)} className="mt-1" />
          <span>
            {targetKindNames[each]} <span className="text-ink-3">{kindHints[each]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
