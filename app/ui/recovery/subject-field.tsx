"use client";
import { ownSubject } from "#lib/client/recovery-view.ts";
import { ChoiceFilter } from "../choice.tsx";
import { Field, Select } from "../field.tsx";
import { useServiceOptions } from "../service-filter.tsx";

/** Chooses what is backed up or drilled: a service, or Switchyard itself. */
export function SubjectField({
  value,
  onChange,
  errors,
}: {
  value: string;
  onChange: (subject: string) => void;
  errors?: string[];
}) {
  const options = useSubjectOptions(value);
  return (
    <Field label="Service" errors={errors}>
      {(ties) => (
        <Select {...ties} value={value} onChange={({ target }) => onChange(target.value)}>
          <option value="">Choose a service</option>
          {options.map(([subject, words]) => (
            <option key={subject} value={subject}>
              {words}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

type SubjectFilterProps = { value: string | undefined; onChange: (subject: string | null) => void };

/** Narrows a list to one subject. */
export function SubjectFilter({ value, onChange }: SubjectFilterProps) {
  return (
    <ChoiceFilter
      label="Service"
      every="Every service"
      data-filter
      value={value}
      options={useSubjectOptions(value)}
      onChange={onChange}
    />
  );
}

function useSubjectOptions(known: string | undefined): [subject: string, words: string][] {
  const services = useServiceOptions(known === ownSubject ? undefined : known);
  return [...services, [ownSubject, "Switchyard itself"]];
}
