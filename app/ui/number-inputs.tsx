"use client";
import { type ComponentProps, useState } from "react";
import { readDuration, writeDuration } from "#lib/client/duration-text.ts";
import { Input } from "./field.tsx";

type Properties = Omit<ComponentProps<typeof Input>, "value" | "onChange"> & {
  value: number | null;
  /** NaN for what cannot be read; null for an empty field where that means something. */
  onChange: (value: number | null) => void;
  /** What an empty field stands for, shown in it; without it an empty field is an error. */
  emptyMeans?: string;
};

const same = (a: number | null, b: number | null) => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** Keeps what is typed as long as it stands for the value, so that "1." or "90 s" is not rewritten under the fingers. */
function useTyped(value: number | null, read: (text: string) => number | null, write: (value: number) => string) {
  const [typed, setTyped] = useState<string | null>(null);
  const known = value === null || Number.isNaN(value) ? "" : write(value);
  return [typed !== null && same(read(typed), value) ? typed : known, setTyped] as const;
}

function TypedInput({
  value,
  onChange,
  emptyMeans,
  read,
  write,
  ...rest
}: Properties & { read: (text: string) => number; write: (value: number) => string }) {
  const readText = (text: string) => (text.trim() === "" && emptyMeans !== undefined ? null : read(text));
  const [text, setTyped] = useTyped(value, readText, write);
  return (
    <Input
      {...rest}
      autoComplete="off"
      spellCheck={false}
      placeholder={emptyMeans}
      value={text}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(readText(target.value));
      }}
      onBlur={() => setTyped((typed) => (typed !== null && Number.isNaN(readText(typed)) ? typed : null))}
    />
  );
}

const readWhole = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN);

/** A whole number. */
export const NumberInput = (properties: Properties) => (
  <TypedInput inputMode="numeric" read={readWhole} write={String} {...properties} />
);

/** A duration, typed as people write it: "1 h", "90 s". */
export const DurationInput = (properties: Properties) => <TypedInput read={readDuration} write={writeDuration} {...properties} />;
