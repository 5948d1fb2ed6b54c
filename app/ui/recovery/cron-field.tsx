"use client";
import { useState } from "react";
import { scheduleWords, usualSchedules } from "#lib/client/schedule-view.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import { capital } from "#lib/client/words.ts";
import { nextTimes, refuseSchedule } from "#lib/domain/recovery/backups/schedule.ts";
import { useIsLive, useNow } from "../clock.tsx";
import { Field, Input, Select } from "../field.tsx";

/** When something is done: a usual schedule by its name, or five fields of one's own, with the next times that it falls due. */
export function CronField({
  label,
  none,
  value,
  timeZone,
  usual = usualSchedules,
  onChange,
  errors,
}: {
  label: string;
  /** What no schedule is called; without it there is always one. */
  none?: string;
  value: string | null;
  timeZone: string;
  usual?: readonly string[];
  onChange: (cron: string | null) => void;
  errors?: string[];
}) {
  const [isOwn, setOwn] = useState(value !== null && !usual.includes(value));
  return (
    <div className="grid gap-1.5">
      <Field label={label} errors={errors}>
        {(ties) => (
          <span className="flex flex-wrap items-center gap-2">
            <Select
              {...ties}
              value={isOwn ? "own" : (value ?? "none")}
              onChange={({ target }) => {
                setOwn(target.value === "own");
                if (target.value === "none") onChange(null);
                else if (target.value !== "own") onChange(target.value);
                else onChange(value ?? usual[0] ?? "");
              }}
            >
              {none !== undefined && <option value="none">{none}</option>}
              {usual.map((cron) => (
                <option key={cron} value={cron}>
                  {capital(scheduleWords(cron))}
                </option>
              ))}
              <option value="own">Another schedule</option>
            </Select>
            {isOwn && (
              <Input
                aria-label={`${label}: schedule`}
                spellCheck={false}
                autoComplete="off"
                maxLength={100}
                value={value ?? ""}
                onChange={({ target }) => onChange(target.value)}
                className="w-44 font-mono text-xs"
              />
            )}
          </span>
        )}
      </Field>
      {value !== null && <NextTimes cron={value} timeZone={timeZone} />}
    </div>
  );
}

/** The schedule in words and its next five times, or why it is none. */
function NextTimes({ cron, timeZone }: { cron: string; timeZone: string }) {
  const now = useNow();
  if (now === null) return null;
  const refusal = refuseSchedule(cron, timeZone);
  if (refusal) {
    return (
      <p role="alert" className="text-xs text-bad">
        {refusal}
      </p>
    );
  }
  const minute = new Date(Math.floor(now / 60_000) * 60_000);
  return (
    <p className="text-xs text-ink-3">
      {capital(scheduleWords(cron))}. Next:{" "}
      {nextTimes(cron, timeZone, minute, 5)
        .map((time) => formatAbsolute(time, timeZone).replace(/:00 /, " "))
        .join("; ")}
    </p>
  );
}

export function TimeZoneField({
  value,
  onChange,
  errors,
}: {
  value: string;
  onChange: (timeZone: string) => void;
  errors?: string[];
}) {
  // The server may know other zones than the browser.
  const isLive = useIsLive();
  return (
    <Field label="Time zone" errors={errors} hint="Its clock changes are followed.">
      {(ties) => (
        <>
          <Input
            {...ties}
            spellCheck={false}
            autoComplete="off"
            list="time-zones"
            className="w-64"
            value={value}
            onChange={({ target }) => onChange(target.value)}
          />
          <datalist id="time-zones">
            {(isLive ? ["UTC", ...Intl.supportedValuesOf("timeZone")] : []).map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
