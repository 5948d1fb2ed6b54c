import { expect, test } from "vitest";
import { judgeRetention } from "./retention.ts";
import type { Retention } from "./schemas.ts";

const none: Retention = { keepLast: 1, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 };
const dayMs = 86_400_000;

/** One backup a day at noon, the newest first; its id is its day. */
function daily(newest: string, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const takenAt = new Date(Date.parse(`${newest}T12:00:00Z`) - index * dayMs);
    return { id: takenAt.toISOString().slice(0, 10), takenAt, isPinned: false, isSafetyCopy: false };
  });
}

function kept(backups: ReturnType<typeof daily>, retention: Partial<Retention>, timeZone = "UTC"): string[] {
  const reasons = judgeRetention(backups, { ...none, ...retention }, timeZone);
  return [...reasons].filter(([, why]) => why.length > 0).map(([id]) => id);
}

test("a backup stays while one rule wants it", () => {
  const year = daily("2026-03-18", 365);
  expect(kept(year, { keepLast: 2, keepDaily: 3, keepWeekly: 3, keepMonthly: 4 })).toEqual([
    "2026-03-18",
    "2026-03-17",
    "2026-03-16",
    "2026-03-15",
    "2026-03-08",
    "2026-02-28",
    "2026-01-31",
    "2025-12-31",
  ]);
});

test("of a day with several the newest counts, and days without one are not counted", () => {
  const at = (id: string) => ({ id, takenAt: new Date(id), isPinned: false, isSafetyCopy: false });
  const backups = ["2026-03-18T18:00Z", "2026-03-18T06:00Z", "2026-03-10T18:00Z", "2026-03-10T06:00Z", "2026-03-01T06:00Z"].map(
    at,
  );
  expect(kept(backups, { keepDaily: 2 })).toEqual(["2026-03-18T18:00Z", "2026-03-10T18:00Z"]);
});

test("days, weeks and months begin where the plan's time zone says", () => {
  const at = (id: string) => ({ id, takenAt: new Date(id), isPinned: false, isSafetyCopy: false });
  const backups = ["2026-03-02T23:30Z", "2026-03-02T00:30Z", "2026-03-01T23:30Z"].map(at);
  expect(kept(backups, { keepDaily: 3 })).toEqual(["2026-03-02T23:30Z", "2026-03-01T23:30Z"]);
  expect(kept(backups, { keepDaily: 3 }, "Europe/Berlin")).toEqual(["2026-03-02T23:30Z", "2026-03-02T00:30Z"]);
  expect(kept(backups, { keepMonthly: 2 }, "Pacific/Auckland")).toEqual(["2026-03-02T23:30Z"]);
});

test("a week is one over the turn of a year", () => {
  expect(kept(daily("2027-01-06", 14), { keepWeekly: 3 })).toEqual(["2027-01-06", "2027-01-03", "2026-12-27"]);
});

test("what is pinned stays and counts like any other", () => {
  const backups = daily("2026-03-18", 5).map((one) => ({ ...one, isPinned: one.id === "2026-03-14" }));
  expect(kept(backups, { keepLast: 2 })).toEqual(["2026-03-18", "2026-03-17", "2026-03-14"]);
  expect(judgeRetention(backups, none, "UTC").get("2026-03-14")).toEqual(["pinned"]);
});

test("the newest stays whatever the rules say, and says why", () => {
  const reasons = judgeRetention(daily("2026-03-18", 2), { ...none, keepDaily: 2 }, "UTC");
  expect([...reasons]).toEqual([
    ["2026-03-18", ["the newest verified one", "last 1 of 1", "day 1 of 2"]],
    ["2026-03-17", ["day 2 of 2"]],
  ]);
});

test("letting go of what it names, and asking again, names nothing more", () => {
  const rules = { keepLast: 3, keepDaily: 5, keepWeekly: 4, keepMonthly: 6 };
  const all = daily("2026-03-18", 400);
  const first = new Set(kept(all, rules));
  const left = all.filter(({ id }) => first.has(id));
  expect(kept(left, rules)).toEqual(left.map(({ id }) => id));
});

test("copies of the present from before restores take no place from other backups", () => {
  const [saved] = daily("2026-03-18", 1);
  if (!saved) throw new Error("there is none");
  const hourMs = 3_600_000;
  const copies = Array.from({ length: 20 }, (_, index) => ({
    id: `copy ${index}`,
    takenAt: new Date(saved.takenAt.getTime() + (index + 1) * hourMs),
    isPinned: false,
    isSafetyCopy: true,
  }));
  expect(kept([saved, ...copies], { keepLast: 2, keepDaily: 1 })).toEqual([saved.id, "copy 19", "copy 18"]);
});
