"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { alertRetentionQuery, alertSourceKeys, setAlertRetention } from "#lib/client/alert-sources.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { type AlertRetention, retentionSchema } from "#lib/domain/alerts/source-schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { Confirmation } from "./confirmation.tsx";

/** How long alerts of all sources are kept. */
export function RetentionForm() {
  const query = useQuery(alertRetentionQuery);
  return (
    <section aria-labelledby="alert-retention">
      <SectionHeader id="alert-retention" title="How long alerts are kept" aside="Alerts that still fire stay, however old" />
      <div className="px-4 py-3">
        <Answer of={query} what="The setting could not be read" waiting={<Skeleton className="h-3 w-64" />}>
          {(kept) => <Fields key={`${kept.episodeDays} ${kept.bodyDays}`} kept={kept} />}
        </Answer>
      </div>
    </section>
  );
}

function Fields({ kept }: { kept: AlertRetention }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const [entered, setEntered] = useState({ episodeDays: String(kept.episodeDays), bodyDays: String(kept.bodyDays) });
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const [asked, setAsked] = useState<AlertRetention | null>(null);
  const save = useMutation({
    mutationFn: setAlertRetention,
    onSuccess: (answer) => {
      queries.setQueryData(alertSourceKeys.retention, answer);
      setAsked(null);
    },
  });
  const problems = { ...fieldsOf(save.error), ...errors };
  const isChanged = entered.episodeDays !== String(kept.episodeDays) || entered.bodyDays !== String(kept.bodyDays);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || !isChanged) return;
    const input = { episodeDays: daysOf(entered.episodeDays), bodyDays: daysOf(entered.bodyDays) };
    const found = fieldErrors(retentionSchema, input);
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    if (input.episodeDays < kept.episodeDays || input.bodyDays < kept.bodyDays) setAsked(input);
    else save.mutate(input);
  };
  const days = (name: keyof AlertRetention) => ({
    value: entered[name],
    inputMode: "numeric" as const,
    autoComplete: "off",
    disabled: refusal !== null,
    onChange: ({ target }: { target: HTMLInputElement }) => setEntered({ ...entered, [name]: target.value }),
  });
  return (
    <form onSubmit={submit} noValidate className="grid max-w-xl gap-3">
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <Field label="Alerts that ended, days" errors={problems.episodeDays} hint="The history with its transitions.">
          {(ties) => <Input {...ties} {...days("episodeDays")} />}
        </Field>
        <Field label="Webhooks as they came, days" errors={problems.bodyDays} hint="For finding out later what was sent.">
          {(ties) => <Input {...ties} {...days("bodyDays")} />}
        </Field>
      </div>
      <p>
        <Button type="submit" disabledReason={refusal ?? (isChanged ? null : "Nothing is changed yet.")} busy={save.isPending}>
          Save how long alerts are kept
        </Button>
      </p>
      {save.error && !asked && Object.keys(problems).length === 0 && <ErrorNotice what="Nothing was saved" error={save.error} />}
      {asked && (
        <Confirmation
          title="Keep alerts for a shorter time"
          description="What is older is deleted within an hour. This cannot be undone."
          verb="Delete what is older"
          failed="Nothing was saved"
          danger
          mutation={save}
          onConfirm={() => save.mutate(asked)}
          onClose={() => setAsked(null)}
        >
          {[
            asked.episodeDays < kept.episodeDays && `Alerts that ended more than ${asked.episodeDays} days ago`,
            asked.bodyDays < kept.bodyDays && `Webhooks that came more than ${asked.bodyDays} days ago`,
          ]
            .filter(Boolean)
            .join(", and ")}{" "}
          are deleted.
        </Confirmation>
      )}
    </form>
  );
}

/** A whole number as it was typed; NaN for everything else, which the schema refuses in words. */
const daysOf = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN);
