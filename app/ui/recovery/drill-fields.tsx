"use client";
import { useQuery } from "@tanstack/react-query";
import { latestBackupsQuery } from "#lib/client/backups.ts";
import { serviceQuery, servicesQuery } from "#lib/client/fleet.ts";
import { backupName, ownSubject } from "#lib/client/recovery-view.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { DrillSettings } from "#lib/domain/recovery/drills/schemas.ts";
import { scenarioInfos, scenariosOf } from "#lib/domain/recovery/objectives/scenarios.ts";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { useIsLive } from "../clock.tsx";
import { Field, Input, Select } from "../field.tsx";
import { DurationInput } from "../number-inputs.tsx";

export const defaultSettings: DrillSettings = {
  target: null,
  image: null,
  backupId: null,
  intoNamespace: null,
  awaySeconds: 30,
};

/** The scenarios that a subject can be tried in, by its kind; all of a kind's that is not known yet. */
export function useScenarios(subject: string): Scenario[] {
  const services = useQuery(servicesQuery).data?.services ?? [];
  if (subject === ownSubject) return scenariosOf(null);
  return scenariosOf(services.find(({ id }) => id === subject)?.kind ?? "");
}

/** Chooses what happens. */
export function ScenarioField({
  subject,
  value,
  onChange,
  errors,
}: {
  subject: string;
  value: Scenario | null;
  onChange: (scenario: Scenario | null) => void;
  errors?: string[];
}) {
  const scenarios = useScenarios(subject);
  const shown = value && !scenarios.includes(value) ? [value, ...scenarios] : scenarios;
  return (
    <Field
      label="Scenario"
      errors={errors}
      hint={value ? scenarioInfos[value].about : shown.length === 0 ? "There is none for a service of its kind." : undefined}
    >
      {(ties) => (
        <Select
          {...ties}
          value={value ?? ""}
          onChange={({ target }) => onChange(shown.find((each) => each === target.value) ?? null)}
        >
          <option value="">Choose what happens</option>
          {shown.map((scenario) => (
            <option key={scenario} value={scenario}>
              {scenarioInfos[scenario].title}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

type Properties = {
  scenario: Scenario;
  subject: string;
  settings: DrillSettings;
  onChange: (settings: DrillSettings) => void;
  errors?: Record<string, string[]>;
};

/** What a scenario asks for beside its service. */
export function DrillSettingsFields({ scenario, subject, settings, onChange, errors = {} }: Properties) {
  const text = (field: "image" | "intoNamespace") => ({
    value: settings[field] ?? "",
    onChange: ({ target }: { target: HTMLInputElement }) => onChange({ ...settings, [field]: target.value.trim() || null }),
    spellCheck: false,
    autoComplete: "off",
    className: "font-mono text-xs",
  });
  switch (scenario) {
    case "instance":
    case "node":
      return (
        <TargetField
          scenario={scenario}
          subject={subject}
          value={settings.target}
          onChange={(target) => onChange({ ...settings, target })}
          errors={errors["settings.target"]}
        />
      );
    case "bad-release":
      return (
        <Field
          label="Image that fails"
          errors={errors["settings.image"]}
          hint="Rolled out without an analysis, and rolled back once the alert arrives."
        >
          {(ties) => <Input {...ties} {...text("image")} />}
        </Field>
      );
    case "region":
      return (
        <Field label="Namespace that plays the other region" errors={errors["settings.intoNamespace"]}>
          {(ties) => <Input {...ties} {...text("intoNamespace")} />}
        </Field>
      );
    case "hub":
      return (
        <Field label="Kept away for" errors={errors["settings.awaySeconds"]} hint="Between 5 s and 10 m.">
          {(ties) => (
            <DurationInput
              {...ties}
              value={settings.awaySeconds}
              onChange={(awaySeconds) => onChange({ ...settings, awaySeconds: awaySeconds ?? Number.NaN })}
            />
          )}
        </Field>
      );
    case "database":
    case "control-plane":
      return (
        <BackupField
          subject={subject}
          value={settings.backupId}
          onChange={(backupId) => onChange({ ...settings, backupId })}
          errors={errors["settings.backupId"]}
        />
      );
    case "redis":
      return null;
  }
}

/** The instance or node that is struck, of those that there are now: they are asked for again, for only an open service is kept live. */
function TargetField({
  scenario,
  subject,
  value,
  onChange,
  errors,
}: {
  scenario: "instance" | "node";
  subject: string;
  value: string | null;
  onChange: (target: string | null) => void;
  errors?: string[];
}) {
  const instances = useQuery({ ...serviceQuery(subject), staleTime: 0 }).data?.instances ?? [];
  const isNode = scenario === "node";
  const names = instances.flatMap(({ name, node }) => (isNode ? (node ?? []) : name));
  const choices = [...new Set([...names, ...(value === null ? [] : [value])])].toSorted();
  return (
    <Field label={isNode ? "Node" : "Instance"} errors={errors}>
      {(ties) => (
        <Select {...ties} value={value ?? ""} onChange={({ target }) => onChange(target.value || null)}>
          <option value="">Chosen by itself</option>
          {choices.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function BackupField({
  subject,
  value,
  onChange,
  errors,
}: {
  subject: string;
  value: string | null;
  onChange: (backupId: string | null) => void;
  errors?: string[];
}) {
  const isLive = useIsLive();
  const backups = useQuery(latestBackupsQuery({ subject, state: "completed" })).data?.items ?? [];
  const verified = backups.filter(({ proof }) => proof === "checksums" || proof === "restored");
  return (
    <Field label="Backup" errors={errors} hint="Only one that was verified can be restored.">
      {(ties) => (
        <Select {...ties} value={value ?? ""} onChange={({ target }) => onChange(target.value || null)}>
          <option value="">A fresh one, made first</option>
          {verified.map((backup) => (
            <option key={backup.id} value={backup.id}>
              {backupName(backup)}
              {isLive && backup.takenAt ? `, as of ${formatAbsolute(backup.takenAt)}` : ""}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
