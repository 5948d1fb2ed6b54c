"use client";
import { formatClock } from "#lib/client/time.ts";
import { maxSilenceDays } from "#lib/domain/alerts/silences-schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { cn } from "../class-names.ts";
import { useNow } from "../clock.tsx";
import { inputLook } from "../field.tsx";

const choices = [15, 30, 60, 120, 480, 1440, 4320, 10_080];

/** How long from now, as a few usual spans or in minutes, with when that ends. */
export function DurationField({
  minutes,
  onChange,
  errors,
  label = "For",
}: {
  minutes: number;
  onChange: (minutes: number) => void;
  errors?: string[];
  label?: string;
}) {
  const now = useNow();
  const isLong = minutes >= 1440;
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-medium text-ink-2">{label}</legend>
      <div className="flex flex-wrap items-center gap-1.5">
        {choices.map((choice) => (
          <button
            key={choice}
            type="button"
            aria-pressed={choice === minutes}
            onClick={() => onChange(choice)}
            className={cn(
              "h-7 rounded-md border border-line-strong px-2.5 hover:bg-hover",
              choice === minutes && "border-accent-solid/60 bg-selected font-medium text-accent",
            )}
          >
            {formatDuration(choice * 60_000)}
          </button>
        ))}
        <label className="inline-flex items-center gap-1.5 text-ink-3">
          or
          <input
            type="number"
            min={1}
            max={maxSilenceDays * 1440}
            value={minutes}
            onChange={(event) =>
              onChange(Math.max(1, Math.min(maxSilenceDays * 1440, Math.round(Number(event.target.value)) || 1)))
            }
            className={cn(inputLook, "h-7 w-20")}
          />
          minutes
        </label>
      </div>
      <p role={errors?.length ? "alert" : undefined} className={cn("text-xs", errors?.length ? "text-bad" : "text-ink-3")}>
        {errors?.join(" ") ??
          (now === null
            ? ""
            : `Until ${isLong ? `${new Date(now + minutes * 60_000).toLocaleDateString("en-GB", { weekday: "short", day: "2-digit", month: "short" })}, ` : ""}${formatClock(now + minutes * 60_000, { seconds: false })}. You are told before it ends.`)}
      </p>
    </fieldset>
  );
}
