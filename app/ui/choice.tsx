"use client";
import { cn } from "./class-names.ts";
import { Select } from "./field.tsx";

type Options<T extends string> = readonly (readonly [value: T, words: string])[];

type ChoiceProps<T extends string> = {
  label: string;
  value: T;
  options: Options<T>;
  onChange: (value: T) => void;
  disabled?: boolean;
  className?: string;
  /** The key / goes to the first of a page. */
  "data-filter"?: boolean;
};

/** One of several, as low as what stands beside it in a header or a line of filters. */
export function Choice<T extends string>({ label, options, onChange, className, ...rest }: ChoiceProps<T>) {
  return (
    <Select
      {...rest}
      aria-label={label}
      onChange={({ target }) => onChange(target.value as T)}
      className={cn("[&_select]:h-7", className)}
    >
      {options.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </Select>
  );
}

type ChoiceFilterProps<T extends string> = Omit<ChoiceProps<T>, "value" | "onChange"> & {
  /** Says that nothing is left out, e.g. "Every state". */
  every: string;
  value: T | null | undefined;
  onChange: (value: T | null) => void;
};

/** The one value that a list is narrowed to, or null for every one. */
export function ChoiceFilter<T extends string>({ every, value, options, onChange, ...rest }: ChoiceFilterProps<T>) {
  return (
    <Choice<T | "">
      {...rest}
      value={value ?? ""}
      options={[["", every], ...options]}
      onChange={(chosen) => onChange(chosen === "" ? null : chosen)}
    />
  );
}
