import { expect, it } from "vitest";
import type { IncidentCalendar } from "#lib/domain/incidents/trends/schemas.ts";
import { calendarOf } from "./incident-calendar.ts";

/** Saturday, in whichever zone the test runs. */
const now = new Date(2026, 10, 21, 12).getTime();
const on = (day: number, hour: number, over: Partial<IncidentCalendar["starts"][number]> = {}) => ({
  id: `${day}-${hour}`,
  number: 12,
  title: "Slow",
  severity: "P2" as const,
  at: new Date(2026, 10, day, hour).toISOString(),
  ...over,
});
const all = (...starts: IncidentCalendar["starts"]) => ({ starts, knownFrom: null });

it("has whole weeks from Monday, with nothing outside the days that were asked for", () => {
  const weeks = calendarOf(all(), { now, days: 10 });
  expect(weeks.map((week) => week.map((day) => day?.date.slice(8) ?? "-").join(" "))).toEqual([
    "- - - 12 13 14 15",
    "16 17 18 19 20 21 -",
  ]);
});

it("counts an incident on the day on which its impact began, the worst first", () => {
  const late = on(20, 23, { number: 1, severity: "P3" });
  const early = on(20, 0, { number: 2, severity: "P1" });
  const days = calendarOf(all(late, early, on(21, 1)), { now, days: 3 }).flat();
  expect(days.flatMap((day) => (day ? [[day.date, day.incidents?.map(({ number }) => number)]] : []))).toEqual([
    ["2026-11-19", []],
    ["2026-11-20", [2, 1]],
    ["2026-11-21", [12]],
  ]);
});

it("does not call a day quiet of which not all is known", () => {
  const knownFrom = new Date(2026, 10, 20, 9).toISOString();
  const days = calendarOf({ starts: [on(20, 9)], knownFrom }, { now, days: 3 }).flat();
  expect(days.flatMap((day) => (day ? [day.incidents === null] : []))).toEqual([true, true, false]);
});

it("keeps its days where the clocks change", () => {
  const dates = calendarOf(all(), { now, days: 60 }).flatMap((week) => week.flatMap((day) => (day ? [day.date] : [])));
  expect(new Set(dates).size).toBe(60);
  expect(dates.at(-1)).toBe("2026-11-21");
});
