"use client";
import type { TargetSettings } from "#lib/domain/notifications/schemas.ts";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { errorsBelow } from "./target-input.ts";

type Errors = Record<string, string[]>;

/** Where a webhook goes. It may hold a secret, so the one that is kept is not shown. */
export function AddressField({ kind, present, errors }: { kind: "webhook" | "slack"; present: string | null; errors: Errors }) {
  const what =
    kind === "slack"
      ? "An incoming webhook of Slack, Mattermost, Rocket.Chat or the like."
      : "Gets a signed POST with every event (Standard Webhooks). Redirects are not followed.";
  return (
    <Field
      label="Address"
      errors={errors["settings.url"]}
      hint={
        present
          ? `It goes to ${present.replace(/\/…$/, "")} now. Leave this empty to keep that address; it is never shown in full.`
          : what
      }
    >
      {(ties) => (
        <Input {...ties} name="url" type="url" inputMode="url" autoComplete="off" spellCheck={false} placeholder="https://" />
      )}
    </Field>
  );
}

const securityNames = { starttls: "STARTTLS", tls: "TLS from the start", none: "None, without a login" };

/** The mail server, and from whom to whom. */
export function MailFields({
  settings,
  errors,
}: {
  settings: Extract<TargetSettings, { kind: "email" }> | null;
  errors: Errors;
}) {
  const wrong = (field: string) => errors[`settings.${field}`];
  return (
    <>
      <div className="grid items-start gap-3 sm:grid-cols-[1fr_6rem_11rem]">
        <Field label="Mail server" errors={wrong("host")}>
          {(ties) => (
            <Input
              {...ties}
              name="host"
              autoComplete="off"
              spellCheck={false}
              placeholder="smtp.example.org"
              defaultValue={settings?.host}
            />
          )}
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
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <Field label="User name" errors={wrong("username")} hint="Leave it empty when the server wants no login.">
          {(ties) => (
            <Input {...ties} name="username" autoComplete="off" spellCheck={false} defaultValue={settings?.username ?? ""} />
          )}
        </Field>
        <Field
          label="Password"
          errors={wrong("password")}
          hint={settings?.hasPassword ? "Leave this empty to keep the one that is stored; it is never shown." : undefined}
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
      <Field label="To" errors={errorsBelow(errors, "settings.to")} hint="Several with commas between them.">
        {(ties) => (
          <Input {...ties} name="to" autoComplete="off" placeholder="ops@example.org" defaultValue={settings?.to.join(", ")} />
        )}
      </Field>
    </>
  );
}
