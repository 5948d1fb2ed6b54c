"use client";
import { X } from "lucide-react";
import { Field, Select } from "../field.tsx";
import { useServiceOptions } from "../service-filter.tsx";

const nameOf = (id: string) => id.split("/")[1] ?? id;

/** The services ("namespace/name") that something concerns: chosen ones as words to take away, and a list to add from. */
export function ServicesField({
  value,
  onChange,
  errors,
}: {
  value: readonly string[];
  onChange: (services: string[]) => void;
  errors?: string[];
}) {
  const others = useServiceOptions().filter(([id]) => !value.includes(id));
  return (
    <Field label="Services" errors={errors}>
      {(ties) => (
        <div className="flex flex-wrap items-center gap-1.5">
          {value.map((id) => (
            <span key={id} className="inline-flex h-7 items-center gap-1 rounded-md border bg-sunken pl-2 pr-1" title={id}>
              <span className="name font-medium">{nameOf(id)}</span>
              <button
                type="button"
                aria-label={`Remove ${nameOf(id)}`}
                onClick={() => onChange(value.filter((each) => each !== id))}
                className="grid size-5 place-items-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink"
              >
                <X aria-hidden="true" className="size-3" />
              </button>
            </span>
          ))}
          <Select
            {...ties}
            value=""
            onChange={({ target }) => target.value && onChange([...value, target.value])}
            className="[&_select]:h-7"
          >
            <option value="">{value.length === 0 ? "Choose a service" : "And another"}</option>
            {others.map(([id, words]) => (
              <option key={id} value={id}>
                {words}
              </option>
            ))}
          </Select>
        </div>
      )}
    </Field>
  );
}
