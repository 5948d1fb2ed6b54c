"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { escalationQuery, setEscalation } from "#lib/client/incidents.ts";
import {
  type EscalationSettings,
  escalationSchema,
  type Severity,
  severities,
  severityInfos,
} from "#lib/domain/incidents/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";

/** After how long without an acknowledgement people are told again, by severity. */
export function EscalationForm() {
  const query = useQuery(escalationQuery);
  return (
    <section aria-labelledby="escalation">
      <SectionHeader id="escalation" title="When people are told again" aside="while nobody has acknowledged an incident" />
      <div className="px-4 py-3">
        <Answer of={query} what="The setting could not be read" waiting={<Skeleton className="h-3 w-64" />}>
          {(kept) => <Fields key={JSON.stringify(kept)} kept={kept} />}
        </Answer>
      </div>
    </section>
  );
}

const textsOf = ({ minutes }: EscalationSettings) =>
  Object.fromEntries(severities.map((severity) => [severity, String(minutes[severity] ?? "")])) as Record<Severity, string>;

/** Minutes as they were typed: empty is never, and what is no whole number is refused by the schema in words. */
const minutesOf = (text: string) => (text.trim() === "" ? null : /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN);

function Fields({ kept }: { kept: EscalationSettings }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const [entered, setEntered] = useState(() => textsOf(kept));
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const save = useMutation({
    mutationFn: setEscalation,
    onSuccess: (answer) => queries.setQueryData(escalationQuery.queryKey, answer),
  });
  const problems = { ...fieldsOf(save.error), ...errors };
  const isChanged = JSON.stringify(entered) !== JSON.stringify(textsOf(kept));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || !isChanged || save.isPending) return;
    const { P1, P2, P3, P4 } = entered;
    const input = { minutes: { P1: minutesOf(P1), P2: minutesOf(P2), P3: minutesOf(P3), P4: minutesOf(P4) } };
    const found = fieldErrors(escalationSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) save.mutate(input);
  };
  return (
    <form onSubmit={submit} noValidate className="grid max-w-xl gap-3">
      <div className="grid grid-cols-2 items-start gap-3 sm:grid-cols-4">
        {severities.map((severity) => (
          <Field
            key={severity}
            label={`${severity}, minutes`}
            errors={problems[`minutes.${severity}`]}
            hint={severityInfos[severity].title}
          >
            {(ties) => (
              <Input
                {...ties}
                inputMode="numeric"
                autoComplete="off"
                placeholder="never"
                value={entered[severity]}
                disabled={refusal !== null}
                onChange={({ target }) => setEntered({ ...entered, [severity]: target.value })}
              />
            )}
          </Field>
        ))}
      </div>
      <p className="text-xs text-ink-3">Empty: never. Incidents that are open keep the time that they have.</p>
      <p>
        <Button type="submit" disabledReason={refusal ?? (isChanged ? null : "Nothing is changed yet.")} busy={save.isPending}>
          Save when people are told again
        </Button>
      </p>
      {save.error && Object.keys(problems).length === 0 && <ErrorNotice what="Nothing was saved" error={save.error} />}
    </form>
  );
}
