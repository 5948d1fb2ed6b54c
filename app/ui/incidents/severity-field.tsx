"use client";
import { useId } from "react";
import { type Severity, severities, severityInfos } from "#lib/domain/incidents/schemas.ts";
import { cn } from "../class-names.ts";
import { IncidentSeverity } from "./incident-marks.tsx";

/** The four severities with what they mean; the arrows and the keys 1 to 4 choose. */
export function SeverityField({
  value,
  onChange,
  errors,
}: {
  value: Severity | null;
  onChange: (severity: Severity) => void;
  errors?: string[];
}) {
  const name = useId();
  return (
    <fieldset
      aria-describedby={errors ? `${name}-note` : undefined}
      className="grid gap-1"
      onKeyDown={(event) => {
        const severity = severities[Number(event.key) - 1];
        if (!severity || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        onChange(severity);
        event.currentTarget.querySelector<HTMLInputElement>(`input[value=${severity}]`)?.focus();
      }}
    >
      <legend className="mb-1 font-medium text-ink-2">
        Severity <span className="font-normal text-ink-3">in doubt the higher; 1 to 4 choose</span>
      </legend>
      <div className="grid gap-1 sm:grid-cols-2">
        {severities.map((severity) => {
          const { about } = severityInfos[severity];
          return (
            <label
              key={severity}
              className={cn(
                "flex cursor-pointer items-start gap-2 rounded-md border px-2.5 py-1.5 has-focus-visible:outline-2 has-focus-visible:outline-accent-solid",
                value === severity ? "border-accent-solid bg-selected" : "hover:bg-hover",
              )}
            >
              <input
                type="radio"
                name={name}
                value={severity}
                checked={value === severity}
                onChange={() => onChange(severity)}
                className="mt-1 accent-(--accent-solid) outline-none"
              />
              <span className="min-w-0">
                <IncidentSeverity severity={severity} />
                <span className="block text-xs text-ink-2">{about}</span>
              </span>
            </label>
          );
        })}
      </div>
      {errors && (
        <p id={`${name}-note`} role="alert" className="text-xs text-bad">
          {errors.join(" ")}
        </p>
      )}
    </fieldset>
  );
}
