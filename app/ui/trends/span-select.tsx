"use client";
import { trendDays, trendSpans } from "#lib/client/incident-trends.ts";
import { Select } from "../field.tsx";
import { useUrlState } from "../use-url-state.ts";

/** The days that are looked at, kept in the address. */
export function SpanSelect() {
  const [search, setSearch] = useUrlState();
  return (
    <Select
      aria-label="Time"
      value={trendDays(search)}
      onChange={({ target }) => setSearch({ days: target.value === "90" ? null : target.value })}
      className="[&_select]:h-7"
    >
      {Object.entries(trendSpans).map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </Select>
  );
}
