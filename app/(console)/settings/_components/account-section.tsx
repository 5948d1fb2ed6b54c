"use client";
import { useMutation } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { signOut } from "next-auth/react";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { changePassword } from "#lib/client/users.ts";
import { changePasswordSchema } from "#lib/domain/users/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useSession } from "../../../ui/session.tsx";

export function AccountSection() {
  const session = useSession();
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const change = useMutation({ mutationFn: changePassword });
  const fields = fieldsOf(change.error);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const input = { current: String(data.get("current")), next: String(data.get("next")) };
    const found = fieldErrors(changePasswordSchema, input);
    if (input.next !== String(data.get("again"))) found.again = ["The two new passwords differ."];
    setErrors(found);
    if (Object.keys(found).length === 0) change.mutate(input, { onSuccess: () => form.reset() });
  };
  const shown = { ...fields, ...errors };

  return (
    <>
      <SectionHeader title="You">
        <Button size="small" onClick={() => signOut({ callbackUrl: "/login" })}>
          <LogOut aria-hidden="true" /> Sign out
        </Button>
      </SectionHeader>
      <dl className="grid max-w-lg grid-cols-[7rem_1fr] gap-y-1 px-4 py-3">
        <dt className="text-ink-3">Name</dt>
        <dd>{session?.name}</dd>
        <dt className="text-ink-3">Log in as</dt>
        <dd className="font-mono text-xs leading-5">{session?.username}</dd>
        <dt className="text-ink-3">Role</dt>
        <dd>{session?.role}</dd>
      </dl>
      <SectionHeader title="Password" />
      <form onSubmit={submit} noValidate aria-label="Change the password" className="grid max-w-sm gap-3 px-4 py-3">
        <Field label="Present password" errors={shown.current}>
          {(ties) => <Input {...ties} name="current" type="password" autoComplete="current-password" />}
        </Field>
        <Field label="New password" errors={shown.next} hint="At least 12 characters.">
          {(ties) => <Input {...ties} name="next" type="password" autoComplete="new-password" />}
        </Field>
        <Field label="New password again" errors={shown.again}>
          {(ties) => <Input {...ties} name="again" type="password" autoComplete="new-password" />}
        </Field>
        {change.error && !fields && <ErrorNotice what="The password was not changed" error={change.error} />}
        <p role="status" className={change.isSuccess ? "text-good" : "sr-only"}>
          {change.isSuccess ? "The password is changed. Other sessions of yours are ended." : ""}
        </p>
        <div>
          <Button type="submit" look="primary" busy={change.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </>
  );
}
