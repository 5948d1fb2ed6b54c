"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { automationQuery, setAutomation } from "#lib/client/incidents.ts";
import type { Automation } from "#lib/domain/incidents/opening/automation-schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { secondsOf } from "./seconds.ts";

/** For how long the alerts of an incident must be over before it may be resolved. */
export function ResolvingForm() {
  const query = useQuery(automationQuery);
  return (
    <section aria-labelledby="resolving">
      <SectionHeader
        id="resolving"
        title="When an incident may be resolved"
        aside="once its services are measured to be good and its alerts are over for long enough"
      />
      <div className="border-b px-4 py-3">
        <Answer of={query} what="The setting could not be read" waiting={<Skeleton className="h-3 w-64" />}>
          {(kept) => <Fields key={kept.clearSeconds} kept={kept} />}
        </Answer>
      </div>
    </section>
  );
}

function Fields({ kept }: { kept: Automation }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const [clear, setClear] = useState(String(kept.clearSeconds));
  const save = useMutation({
    mutationFn: setAutomation,
    onSuccess: (answer) => queries.setQueryData(automationQuery.queryKey, answer),
  });
  const clearSeconds = secondsOf(clear);
  const isChanged = clearSeconds !== kept.clearSeconds;
  const problems = fieldsOf(save.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && isChanged && !save.isPending) save.mutate({ ...kept, clearSeconds });
  };
  return (
    <form onSubmit={submit} noValidate className="grid max-w-xl gap-3">
      <Field
        label="Its alerts must be over for, seconds"
        errors={problems?.clearSeconds}
        hint="An override with a reason goes past it."
      >
        {(ties) => (
          <Input
            {...ties}
            inputMode="numeric"
            autoComplete="off"
            value={clear}
            disabled={refusal !== null}
            onChange={({ target }) => setClear(target.value)}
            className="w-28"
          />
        )}
      </Field>
      <p>
        <Button type="submit" disabledReason={refusal ?? (isChanged ? null : "Nothing is changed yet.")} busy={save.isPending}>
          Save when it may be resolved
        </Button>
      </p>
      {save.error && !problems && <ErrorNotice what="Nothing was saved" error={save.error} />}
    </form>
  );
}
