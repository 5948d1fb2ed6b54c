"use client";
import { Field } from "../../../../../../ui/field.tsx";
import { DurationInput } from "../../../../../../ui/number-inputs.tsx";
import type { Errors } from "./form-errors.ts";

export const DeadlineField = ({
  seconds,
  onChange,
  errors,
}: {
  seconds: number;
  onChange: (seconds: number) => void;
  errors: Errors;
}) => (
  <Field label="Fails without progress for" errors={errors.progressDeadlineSeconds}>
    {(ties) => <DurationInput {...ties} value={seconds} onChange={(value) => onChange(value ?? Number.NaN)} />}
  </Field>
);
