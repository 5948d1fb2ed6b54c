import { expect, test } from "vitest";
import { type Archiving, judgeArchiving } from "./postgres-archiving.ts";

const on: Archiving = {
  mode: "on",
  command: "cp %p /wal/%f",
  library: "",
  archived: 0,
  lastFile: null,
  lastAt: null,
  failed: 0,
  lastFailedAt: null,
};
const noon = new Date("2026-01-02T12:00:00Z");
const later = new Date("2026-01-02T12:05:00Z");

test.each([
  ["archiving that is off", { ...on, mode: "off" }, "does not archive its WAL (archive_mode is off)"],
  ["archiving to nowhere", { ...on, command: "(disabled)" }, "no archive_command or archive_library: nothing is archived"],
  [
    "archiving that fails now",
    { ...on, lastAt: noon, failed: 3, lastFailedAt: later },
    "last at 2026-01-02T12:05:00.000Z (3 times so far)",
  ],
  ["archiving that has always failed", { ...on, failed: 3, lastFailedAt: later }, "fails to archive its WAL"],
])("%s is said as what it is", (_, archiving, words) => {
  expect(judgeArchiving("db:5432/relay", archiving)).toContain(words);
});

test.each([
  ["that failed once and goes on", { ...on, archived: 8, lastAt: later, failed: 3, lastFailedAt: noon }],
  ["that has only begun", on],
  ["by a library", { ...on, command: "", library: "basic_archive" }],
])("nothing is said against archiving %s", (_, archiving) => {
  expect(judgeArchiving("db:5432/relay", archiving)).toBeNull();
});
