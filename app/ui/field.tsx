"use client";
import { ChevronDown } from "lucide-react";
import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "./class-names.ts";

export const inputLook =
  "h-8 w-full min-w-0 rounded-md border border-line-strong bg-canvas px-2.5 text-sm text-ink outline-offset-0 aria-invalid:border-bad-fill disabled:opacity-60";

export const Input = ({ className, ...rest }: ComponentProps<"input">) => (
  <input {...rest} className={cn(inputLook, className)} />
);

export const TextArea = ({ className, ...rest }: ComponentProps<"textarea">) => (
  <textarea {...rest} className={cn(inputLook, "h-auto resize-y py-1.5", className)} />
);

export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <span className={cn("relative inline-block", className)}>
      <select {...rest} className={cn(inputLook, "appearance-none pr-7 font-medium")}>
        {children}
      </select>
      <ChevronDown
        aria-hidden="true"
        className="pointer-events-none absolute right-2 top-1/2 size-3.5 -translate-y-1/2 text-ink-3"
      />
    </span>
  );
}

/** A label, its control, and below it what is wrong or what to know. The control gets the ids that tie them together. */
export function Field({
  label,
  errors,
  hint,
  children,
}: {
  label: string;
  errors?: string[];
  hint?: ReactNode;
  children: (ties: { id: string; "aria-invalid": boolean | undefined; "aria-describedby": string | undefined }) => ReactNode;
}) {
  const id = useId();
  const note = errors?.length ? errors.join(" ") : hint;
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="font-medium text-ink-2">
        {label}
      </label>
      {children({ id, "aria-invalid": errors?.length ? true : undefined, "aria-describedby": note ? `${id}-note` : undefined })}
      {note && (
        <p
          id={`${id}-note`}
          role={errors?.length ? "alert" : undefined}
          className={cn("text-xs", errors?.length ? "text-bad" : "text-ink-3")}
        >
          {note}
        </p>
      )}
    </div>
  );
}
