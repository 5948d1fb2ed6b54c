"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError } from "#lib/client/api.ts";
import { createTarget, notificationKeys, rotateTarget, targetKindNames, updateTarget } from "#lib/client/notifications.ts";
import type {
  CreateTargetInput,
  TargetKind,
  TargetSettings,
  TargetView,
  TargetWithSecret,
  UpdateTargetInput,
} from "#lib/domain/notifications/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { OneTimeSecret } from "./one-time-secret.tsx";
import { FilterFields, firstFilter } from "./target-filter-fields.tsx";

type Errors = Record<string, string[]>;

/** Adds a target of a kind, or changes one. The server checks what was entered, and its words stand beside the fields. */
export function TargetDialog({
  kind,
  target,
  onClose,
  onRemove,
}: {
  kind: TargetKind;
  target: TargetView | null;
  onClose: () => void;
  onRemove?: () => void;
}) {
  const queries = useQueryClient();
  const [filter, setFilter] = useState(target?.filter ?? firstFilter);
  const [shown, setShown] = useState<TargetWithSecret | null>(null);
  const done = (answer: TargetWithSecret) => {
    void queries.invalidateQueries({ queryKey: notificationKeys.targets });
    if (answer.signingSecret) setShown(answer);
    else onClose();
  };
  const save = useMutation({
    mutationFn: (input: object) =>
      target ? updateTarget(target.id, input as UpdateTargetInput) : createTarget(input as CreateTargetInput),
    onSuccess: done,
  });
  const rotate = useMutation({ mutationFn: () => rotateTarget(target?.id ?? ""), onSuccess: done });
  const problem = save.error instanceof ApiError ? save.error.problem : null;
  const errors = problem?.fields ?? {};
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

  if (shown?.signingSecret) {
    return (
      <OneTimeSecret
        title={`Signing secret of ${shown.target.name}`}
        label="Copy the signing secret"
        secret={shown.signingSecret}
        onClose={onClose}
      >
        The receiver verifies each message with it, as Standard Webhooks describe (headers webhook-id, webhook-timestamp and
        webhook-signature). {target && "The secret before signs too for 24 hours."}
      </OneTimeSecret>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={target ? target.name : `Add a target: ${targetKindNames[kind]}`}
      description={target ? targetKindNames[kind] : undefined}
      footer={
        <>
          {onRemove && (
            <Button look="ghost" className="mr-auto" onClick={onRemove}>
              Remove
            </Button>
          )}
          {target && kind === "webhook" && (
            <Button busy={rotate.isPending} onClick={() => rotate.mutate()}>
              New signing secret
            </Button>
          )}
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" form="target-form" look="primary" busy={save.isPending}>
            {target ? `Save ${target.name}` : "Add the target"}
          </Button>
        </>
      }
    >
      <form id="target-form" onSubmit={submit} noValidate className="grid gap-3">
        <Field label="Name" errors={errors.name} hint="As the log and the audit call it.">
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
        <FilterFields filter={filter} errors={errors} onChange={setFilter} />
        {target && (
          <label className="flex items-center gap-2">
            <input type="checkbox" name="enabled" defaultChecked={!target.disabled} />
            Send to it. What waits when it is disabled is kept in the log and not sent.
          </label>
        )}
        {save.error && Object.keys(errors).length === 0 && <ErrorNotice what="Nothing was saved" error={save.error} />}
        {rotate.error && <ErrorNotice what="No new secret was made" error={rotate.error} />}
      </form>
    </Dialog>
  );
}

function AddressField({ kind, present, errors }: { kind: "webhook" | "slack"; present: string | null; errors: Errors }) {
  const what =
    kind === "slack"
      ? "An incoming webhook of Slack, Mattermost, Rocket.Chat or the like."
      : "It gets a signed POST (Standard Webhooks). Redirects are not followed; metadata addresses are refused.";
  return (
    <Field
      label="Address"
      errors={errors["settings.url"]}
      hint={present ? `Now ${present}. It is kept sealed: leave this empty to keep it.` : what}
    >
      {(ties) => (
        <Input {...ties} name="url" type="url" inputMode="url" autoComplete="off" spellCheck={false} placeholder="https://" />
      )}
    </Field>
  );
}

const securityNames = { starttls: "STARTTLS", tls: "TLS from the start", none: "None (this host only)" };

function MailFields({ settings, errors }: { settings: Extract<TargetSettings, { kind: "email" }> | null; errors: Errors }) {
  const wrong = (field: string) => errors[`settings.${field}`];
  const wrongTo = Object.entries(errors).flatMap(([field, messages]) => (field.startsWith("settings.to") ? messages : []));
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-[1fr_6rem_11rem]">
        <Field label="Mail server" errors={wrong("host")}>
          {(ties) => <Input {...ties} name="host" autoComplete="off" spellCheck={false} defaultValue={settings?.host} />}
        </Field>
        <Field label="Port" errors={wrong("port")}>
          {(ties) => <Input {...ties} name="port" inputMode="numeric" defaultValue={settings?.port ?? 587} />}
        </Field>
        <Field label="Encryption" errors={wrong("security")}>
          {(ties) => (
            <Select {...ties} name="security" defaultValue={settings?.security ?? "starttls"}>
              {Object.entries(securityNames).map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="User name" errors={wrong("username")} hint="Empty = no login.">
          {(ties) => (
            <Input {...ties} name="username" autoComplete="off" spellCheck={false} defaultValue={settings?.username ?? ""} />
          )}
        </Field>
        <Field
          label="Password"
          errors={wrong("password")}
          hint={settings?.hasPassword ? "It is kept sealed: leave this empty to keep it." : undefined}
        >
          {(ties) => <Input {...ties} name="password" type="password" autoComplete="new-password" />}
        </Field>
      </div>
      <Field label="From" errors={wrong("from")}>
        {(ties) => (
          <Input
            {...ties}
            name="from"
            autoComplete="off"
            placeholder="Switchyard <switchyard@example.org>"
            defaultValue={settings?.from}
          />
        )}
      </Field>
      <Field label="To" errors={wrongTo.length > 0 ? wrongTo : undefined} hint="Several with commas.">
        {(ties) => (
          <Input {...ties} name="to" autoComplete="off" placeholder="ops@example.org" defaultValue={settings?.to.join(", ")} />
        )}
      </Field>
    </>
  );
}

/** The settings as they were entered; null when nothing of them was. */
function readSettings(kind: TargetKind, data: FormData, before: TargetSettings | null): object | null {
  const text = (name: string) => String(data.get(name) ?? "").trim();
  if (kind !== "email") return before && text("url") === "" ? null : { url: text("url") };
  const username = text("username") || null;
  const password = String(data.get("password") ?? "");
  const to = text("to")
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
  const settings = {
    host: text("host"),
    port: Number(text("port")),
    security: text("security"),
    username,
    from: text("from"),
    to,
  };
  return { ...settings, ...(password === "" ? {} : { password }) };
}
