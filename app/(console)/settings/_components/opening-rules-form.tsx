"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError } from "#lib/client/api.ts";
import { automationQuery, setAutomation } from "#lib/client/incidents.ts";
import type { Automation } from "#lib/domain/incidents/opening/automation-settings.ts";
import { type Severity, severities, severityInfos } from "#lib/domain/incidents/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Check } from "../../../ui/check.tsx";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";

type Rule = keyof Automation["opening"];

const rules: [Rule, string][] = [
  ["criticalAlerts", "An alert fires whose severity is critical or page"],
  ["namedAlerts", "An alert fires that is named here"],
  ["rollouts", "A rollout fails, or Switchyard aborts it"],
];

/** Which events open an incident, and for how long the alerts of one must be over before it may be resolved. */
export function OpeningRulesForm() {
  const query = useQuery(automationQuery);
  return (
    <section aria-labelledby="opening-rules">
      <SectionHeader
        id="opening-rules"
        title="What opens an incident by itself"
        aside="once for each; what concerns a service that has an open one joins it"
      />
      <div className="border-b px-4 py-3">
        <Answer of={query} what="The setting could not be read" waiting={<Skeleton className="h-3 w-64" />}>
          {(kept) => <Fields key={JSON.stringify(kept)} kept={kept} />}
        </Answer>
      </div>
    </section>
  );
}

const namesOf = (text: string) => [
  ...new Set(
    text
      .split(/[\s,]+/)
      .map((name) => name.trim())
      .filter(Boolean),
  ),
];

function Fields({ kept }: { kept: Automation }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const [opening, setOpening] = useState(kept.opening);
  const [names, setNames] = useState(kept.opening.namedAlerts.names.join(", "));
  const [clear, setClear] = useState(String(kept.clearSeconds));
  const save = useMutation({
    mutationFn: setAutomation,
    onSuccess: (answer) => queries.setQueryData(automationQuery.queryKey, answer),
  });
  const input: Automation = {
    opening: { ...opening, namedAlerts: { ...opening.namedAlerts, names: namesOf(names) } },
    clearSeconds: /^\d+$/.test(clear.trim()) ? Number(clear) : -1,
  };
  const isChanged = JSON.stringify(input) !== JSON.stringify(kept);
  const problems = save.error instanceof ApiError ? save.error.problem.fields : undefined;
  const change = (rule: Rule, part: Partial<{ isOn: boolean; severity: Severity }>) =>
    setOpening({ ...opening, [rule]: { ...opening[rule], ...part } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && isChanged && !save.isPending) save.mutate(input);
  };
  return (
    <form onSubmit={submit} noValidate className="grid max-w-xl gap-3">
      <ul className="grid gap-2">
        {rules.map(([rule, words]) => (
          <li key={rule} className="grid gap-1">
            <span className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
              <Check
                checked={opening[rule].isOn}
                disabled={refusal !== null}
                onChange={(isOn) => change(rule, { isOn })}
                label={words}
              />
              <Select
                aria-label={`${words}: severity`}
                value={opening[rule].severity}
                disabled={refusal !== null || !opening[rule].isOn}
                onChange={({ target }) => change(rule, { severity: target.value as Severity })}
                className="[&_select]:h-7"
              >
                {severities.map((severity) => (
                  <option key={severity} value={severity}>
                    {severity} {severityInfos[severity].title}
                  </option>
                ))}
              </Select>
            </span>
            {rule === "namedAlerts" && (
              <Input
                aria-label="Names of alerts"
                placeholder="RelayHighLatency, EdgeBufferFull"
                value={names}
                disabled={refusal !== null || !opening.namedAlerts.isOn}
                onChange={({ target }) => setNames(target.value)}
                className="font-mono text-xs"
              />
            )}
          </li>
        ))}
      </ul>
      <Field
        label="Before it may be resolved, its alerts must be over for, seconds"
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
          Save what opens incidents
        </Button>
      </p>
      {save.error && !problems?.clearSeconds && <ErrorNotice what="Nothing was saved" error={save.error} />}
    </form>
  );
}
