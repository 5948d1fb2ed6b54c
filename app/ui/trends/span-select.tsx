"use client";
import { trendDays, trendSpans } from "#lib/client/incident-trends.ts";
import { Choice } from "../choice.tsx";
import { useUrlState } from "../use-url-state.ts";

/** The days that are looked at, kept in the address. */
export function SpanSelect() {
  const [search, setSearch] = useUrlState();
  return (
    <Choice
      label="Time"
      value={trendDays(search)}
      options={Object.entries(trendSpans)}
      onChange={(days) => setSearch({ days: days === "90" ? null : days })}
    />
  );
}
