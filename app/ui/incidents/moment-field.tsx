"use client";
import { type ReactNode, useState } from "react";
import { formatAbsolute } from "#lib/client/time.ts";
import { fromLocalField, toLocalField } from "#lib/client/time-range.ts";
import { Field, Input, Select } from "../field.tsx";

const choices: [minutes: number, words: string][] = [
  [0, "Now"],
  [5, "5 minutes ago"],
  [15, "15 minutes ago"],
  [30, "30 minutes ago"],
  [60, "1 hour ago"],
];

/** When something was: null for now, an ISO time; `""` for a field that holds no time. */
export type Moment = string | null;

/** Asks for a moment in the past: now, some minutes ago, or a time that is written down. */
export function MomentField({
  label,
  value,
  onChange,
  errors,
  hint,
}: {
  label: string;
  value: Moment;
  onChange: (moment: Moment) => void;
  errors?: string[];
  hint?: ReactNode;
}) {
  const [chosen, setChosen] = useState(value === null ? "0" : "at");
  const choose = (next: string) => {
    setChosen(next);
    const ago = next === "at" ? 0 : Number(next);
    onChange(next === "0" ? null : new Date(Math.floor(Date.now() / 1000) * 1000 - ago * 60_000).toISOString());
  };
  return (
    <Field label={label} errors={errors} hint={hint ?? (value && chosen !== "at" ? formatAbsolute(value) : undefined)}>
      {(ties) => (
        <span className="flex flex-wrap items-center gap-2">
          <Select {...ties} value={chosen} onChange={({ target }) => choose(target.value)} className="[&_select]:h-7">
            {choices.map(([minutes, words]) => (
              <option key={minutes} value={String(minutes)}>
                {words}
              </option>
            ))}
            <option value="at">At a time</option>
          </Select>
          {chosen === "at" && <TimeInput label={`${label}: time`} value={value ?? ""} onChange={onChange} />}
        </span>
      )}
    </Field>
  );
}

/** A time in the viewer's zone to the second; tells ISO 8601 in UTC, and "" for what is no time. */
export function TimeInput({
  label,
  value,
  onChange,
  min,
  max,
  ...ties
}: {
  label?: string;
  value: string;
  onChange: (at: string) => void;
  /** ISO 8601: earlier times cannot be picked, and later ones than `max`. */
  min?: string;
  max?: string;
  id?: string;
  "aria-invalid"?: boolean;
  "aria-describedby"?: string;
}) {
  return (
    <Input
      {...ties}
      type="datetime-local"
      step={1}
      aria-label={label}
      min={min && toLocalField(Math.ceil(Date.parse(min) / 1000))}
      max={max && toLocalField(Math.floor(Date.parse(max) / 1000))}
      value={value === "" ? "" : toLocalField(Date.parse(value) / 1000)}
      onChange={({ target }) => {
        const seconds = fromLocalField(target.value);
        onChange(seconds === null ? "" : new Date(seconds * 1000).toISOString());
      }}
      className="h-7 w-60"
    />
  );
}
