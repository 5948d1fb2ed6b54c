import { describe, expect, it } from "vitest";
import { aDrill } from "./drill-fixtures.ts";
import { aBackup, aBackupDetail, aCoverage, aRestore } from "./recovery-fixtures.ts";
import {
  byExposure,
  contentsWords,
  newestByScenario,
  progressOf,
  restoreRefusal,
  restoreTitle,
  retentionWords,
  spanWords,
  subjectTitle,
} from "./recovery-view.ts";

const part = (over: Partial<ReturnType<typeof aBackupDetail>["progress"][number]> = {}) => ({
  name: "postgres",
  state: "running" as const,
  bytes: 0,
  totalBytes: null,
  message: null,
  ...over,
});
const running = aBackup({ state: "running", startedAt: "2026-11-21T12:00:00.000Z" });
const tenSecondsIn = Date.parse("2026-11-21T12:00:10.000Z");

describe("the progress of a backup", () => {
  it("has a rate and an end where the sizes of all that is left are known", () => {
    const progress = [part({ state: "done", bytes: 400, totalBytes: 500 }), part({ bytes: 600, totalBytes: 1600 })];
    expect(progressOf({ backup: running, progress }, tenSecondsIn)).toEqual({
      bytes: 1000,
      totalBytes: 2000,
      bytesPerSecond: 100,
      secondsLeft: 10,
    });
  });

  it("claims no end while the size of a part is unknown", () => {
    const progress = [part({ bytes: 1000, totalBytes: 2000 }), part({ state: "waiting" })];
    expect(progressOf({ backup: running, progress }, tenSecondsIn)).toMatchObject({ totalBytes: null, secondsLeft: null });
  });

  it("has no rate in its first second, nor before it has begun", () => {
    const progress = [part({ bytes: 10, totalBytes: 20 })];
    expect(progressOf({ backup: running, progress }, Date.parse("2026-11-21T12:00:00.500Z")).bytesPerSecond).toBeNull();
    const queued = aBackup({ state: "queued", startedAt: null });
    expect(progressOf({ backup: queued, progress }, tenSecondsIn).bytesPerSecond).toBeNull();
  });

  it("is never further than its end when an estimate was too small", () => {
    const progress = [part({ bytes: 1000, totalBytes: 500 })];
    expect(progressOf({ backup: running, progress }, tenSecondsIn)).toMatchObject({ totalBytes: 1000, secondsLeft: 0 });
  });
});

it("lists what has no backup before what is stale, and that before what is fresh", () => {
  const rows = [
    aCoverage({ subject: "a/fresh", state: "fresh", exposureSeconds: 10 }),
    aCoverage({ subject: "a/none", state: "none", exposureSeconds: null }),
    aCoverage({ subject: "a/stale", exposureSeconds: 120 }),
    aCoverage({ subject: "a/staler", exposureSeconds: 1200 }),
    aCoverage({ subject: "a/missing", state: "missing", exposureSeconds: null }),
  ];
  expect(rows.sort(byExposure).map(({ subject }) => subject)).toEqual(["a/missing", "a/staler", "a/stale", "a/fresh", "a/none"]);
});

it("takes of each scenario and service the newest drill that ended, misses first", () => {
  const drills = [
    aDrill({ id: "running", verdict: null, state: "running", createdAt: "2026-11-21T12:00:00.000Z" }),
    aDrill({ id: "new", createdAt: "2026-11-20T12:00:00.000Z" }),
    aDrill({ id: "old", verdict: "missed", createdAt: "2026-10-20T12:00:00.000Z" }),
    aDrill({ id: "node", scenario: "node", verdict: "missed" }),
    aDrill({ id: "hub", subject: "fleet/hub", verdict: "inconclusive" }),
  ];
  expect(newestByScenario(drills).map(({ id }) => id)).toEqual(["node", "hub", "new"]);
});

it("says what goes into a backup and how long it is kept", () => {
  expect(contentsWords(aBackupDetail().contents)).toEqual(["PostgreSQL", "Kubernetes objects"]);
  expect(
    contentsWords({
      postgres: { address: null, tables: ["a", "b"] },
      redis: { url: "redis://redis:6379", address: null },
      objects: false,
      logHours: 24,
    }),
  ).toEqual(["PostgreSQL (2 tables)", "Redis", "Logs of 24 h"]);
  expect(retentionWords({ keepLast: 3, keepDaily: 7, keepWeekly: 0, keepMonthly: 12 })).toBe("the last 3, 7 daily, 12 monthly");
});

it("refuses to restore what has no archive, and says why", () => {
  expect(restoreRefusal(aBackup())).toBeNull();
  expect(restoreRefusal(aBackup({ state: "partial" }))).toBeNull();
  expect(restoreRefusal(aBackup({ state: "failed" }))).toBe("It failed: there is nothing to restore.");
  expect(restoreRefusal(aBackup({ state: "expired" }))).toBe("Its archive is removed.");
  expect(restoreRefusal(aBackup({ state: "verifying" }))).toBe("It is not finished yet.");
  expect(restoreRefusal(aBackup({ storage: null }))).toBe("Its archive is missing.");
  expect(restoreRefusal(aBackup({ proof: "unverified" }))).toBe("It is not verified: verify it first.");
  expect(restoreRefusal(aBackup({ proof: "failed" }))).toBe("It is damaged, or cannot be restored: its proof failed.");
});

it("names a restore by where it goes", () => {
  expect(restoreTitle(aRestore())).toBe("Into scratch from B-12");
  expect(restoreTitle(aRestore({ mode: "in-place" }))).toBe("In place from B-12");
  expect(restoreTitle(aRestore({ mode: "namespace", intoNamespace: "rehearsal" }))).toBe("Into rehearsal from B-12");
});

it("writes a measured time to the tenth of a second while it is short, and none as none", () => {
  expect([null, 0, 340, 4200, 30_000, 125_400].map(spanWords)).toEqual(["–", "0 s", "340 ms", "4.2 s", "30 s", "2 m 5 s"]);
});

it("calls Switchyard by its name and a service by its own", () => {
  expect(["switchyard", "fleet/relay"].map(subjectTitle)).toEqual(["Switchyard itself", "relay"]);
});
