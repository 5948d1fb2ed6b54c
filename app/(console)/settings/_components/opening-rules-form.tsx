"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { automationQuery, setAutomation } from "#lib/client/incidents.ts";
import { type Automation, backupAlerts } from "#lib/domain/incidents/opening/automation-schemas.ts";
import { type Severity, severities, severityInfos } from "#lib/domain/incidents/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Check } from "../../../ui/check.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { Input } from "../../../ui/field.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { secondsOf } from "./seconds.ts";

type Opening = Automation["opening"];
type Rule = keyof Opening;

const rules: [Rule, string][] = [
  ["criticalAlerts", "An alert fires whose severity is critical or page"],
  ["namedAlerts", "An alert fires that is named here"],
  ["rollouts", "A rollout fails, or Switchyard aborts it"],
  ["backups", "An alert says that a backup failed, is late or missing"],
];

/** The rules for alerts, which open only what has been seen to fire for a while. */
const alertRules = ["criticalAlerts", "namedAlerts", "backups"] as const;

/** Which events open an incident. */
export function OpeningRulesForm() {
  const query = useQuery(automationQuery);
  return (
    <section aria-labelledby="opening-rules">
      <SectionHeader
        id="opening-rules"
        title="What opens an incident by itself"
        aside="once for each; it joins an open one of its service that is as severe, or raises one that nobody has taken yet"
      />
      <div className="border-b px-4 py-3">
        <Answer of={query} what="The setting could not be read" waiting={<Skeleton className="h-3 w-64" />}>
          {(kept) => <Fields key={JSON.stringify(kept.opening)} kept={kept} />}
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

type AlertRule = (typeof alertRules)[number];
const textsOf = (opening: Opening) =>
  Object.fromEntries(alertRules.map((rule) => [rule, String(opening[rule].graceSeconds)])) as Record<AlertRule, string>;

function Fields({ kept }: { kept: Automation }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const [opening, setOpening] = useState(kept.opening);
  const [names, setNames] = useState(kept.opening.namedAlerts.names.join(", "));
  const save = useMutation({
    mutationFn: setAutomation,
    onSuccess: (answer) => queries.setQueryData(automationQuery.queryKey, answer),
  });
  const [graces, setGraces] = useState(() => textsOf(kept.opening));
  const input: Automation = {
    opening: {
      ...opening,
      criticalAlerts: { ...opening.criticalAlerts, graceSeconds: secondsOf(graces.criticalAlerts) },
      namedAlerts: { ...opening.namedAlerts, graceSeconds: secondsOf(graces.namedAlerts), names: namesOf(names) },
      backups: { ...opening.backups, graceSeconds: secondsOf(graces.backups) },
    },
    clearSeconds: kept.clearSeconds,
  };
  const isChanged = JSON.stringify(input) !== JSON.stringify(kept);
  const problems = fieldsOf(save.error);
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
              <Choice
                label={`${words}: severity`}
                value={opening[rule].severity}
                options={severities.map((each) => [each, `${each} ${severityInfos[each].title}`])}
                onChange={(severity) => change(rule, { severity })}
                disabled={refusal !== null || !opening[rule].isOn}
              />
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
            {isAlertRule(rule) && (
              <Grace
                words={words}
                seconds={graces[rule]}
                errors={problems?.[`opening.${rule}.graceSeconds`]}
                isDisabled={refusal !== null || !opening[rule].isOn}
                onChange={(seconds) => setGraces({ ...graces, [rule]: seconds })}
              />
            )}
            {rule === "backups" && (
              <p className="text-xs text-ink-3">
                {backupAlerts.join(", ")}: of Switchyard's own backups, or of others that tell by the same names.
              </p>
            )}
          </li>
        ))}
      </ul>
      <p>
        <Button type="submit" disabledReason={refusal ?? (isChanged ? null : "Nothing is changed yet.")} busy={save.isPending}>
          Save what opens incidents
        </Button>
      </p>
      {save.error && !problems && <ErrorNotice what="Nothing was saved" error={save.error} />}
    </form>
  );
}

const isAlertRule = (rule: Rule): rule is AlertRule => alertRules.some((one) => one === rule);

type GraceProps = {
  words: string;
  seconds: string;
  errors: string[] | undefined;
  isDisabled: boolean;
  onChange: (seconds: string) => void;
};

function Grace({ words, seconds, errors, isDisabled, onChange }: GraceProps) {
  return (
    <span className="grid gap-1 text-xs text-ink-2">
      <span className="flex items-center gap-2">
        and is seen to fire for
        <Input
          aria-label={`${words}: seconds that it fires`}
          aria-invalid={errors ? true : undefined}
          inputMode="numeric"
          autoComplete="off"
          value={seconds}
          disabled={isDisabled}
          onChange={({ target }) => onChange(target.value)}
          className="h-7 w-16"
        />
        seconds
      </span>
      {errors && (
        <span role="alert" className="text-bad">
          {errors.join(" ")}
        </span>
      )}
    </span>
  );
}
