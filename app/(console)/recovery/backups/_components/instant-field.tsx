"use client";
import { formatAbsolute } from "#lib/client/time.ts";
import type { RestorePreview } from "#lib/domain/recovery/restores/schemas.ts";
import { Field } from "../../../../ui/field.tsx";
import { TimeInput } from "../../../../ui/incidents/moment-field.tsx";

/** An instant between backups, where there are some; it is bounded by the first and the last of them. */
export function InstantField({
  pointInTime: { span, message },
  value,
  onChange,
  errors,
}: {
  pointInTime: RestorePreview["pointInTime"];
  value: string;
  onChange: (at: string) => void;
  errors?: string[];
}) {
  if (!span) return null;
  const words = `Empty: as of the backup. Else from ${formatAbsolute(span.from)} to ${formatAbsolute(span.to)}. ${message}`;
  return (
    <Field label="PostgreSQL until" errors={errors} hint={words}>
      {(ties) => <TimeInput {...ties} value={value} onChange={onChange} min={span.from} max={span.to} />}
    </Field>
  );
}
