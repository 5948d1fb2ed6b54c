import { expect, test } from "vitest";
import type { Archiving } from "./postgres-archiving.ts";
import type { PostgresBaseFacts } from "./postgres-base-facts.ts";
import { judgeRun, judgeWithout, type LiveServer, refuseInstant } from "./postgres-point-in-time.ts";

const name = "db:5432/relay";
const archive = "file:///wal";
const archiving: Archiving = {
  mode: "on",
  command: "cp %p /wal/%f",
  library: "",
  archived: 8,
  lastFile: "000000010000000000000003",
  lastAt: new Date("2026-01-02T12:00:00Z"),
  failed: 0,
  lastFailedAt: null,
};
const live: LiveServer = {
  archiving,
  systemIdentifier: "74",
  timeline: 1,
  isStandby: false,
  now: new Date("2026-01-02T12:05:00Z"),
};
const facts: PostgresBaseFacts = {
  serverVersion: "15.14",
  majorVersion: 15,
  systemIdentifier: "74",
  timeline: 1,
  walSegmentBytes: 16 * 1024 * 1024,
  startLsn: "0/2000028",
  stopLsn: "0/2000100",
  startedAt: "2026-01-02T11:00:00.000Z",
  finishedAt: "2026-01-02T11:00:10.000Z",
  walArchive: archive,
  settings: {},
};
const segments = ["000000010000000000000002", "000000010000000000000003"].map((segment, index) => ({
  name: segment,
  archivedAt: new Date(Date.UTC(2026, 0, 2, 11, 30 + index)),
}));
const run = { segments, missing: null };
const span = (to: string) => ({ from: "2026-01-02T11:00:10.000Z", to });

test("a server that archives leads from the base backup up to now", () => {
  const answer = judgeRun({ name, archive, live, facts, run });
  expect(answer).toMatchObject({ available: true, span: span("2026-01-02T12:05:00.000Z") });
  expect(answer.message).toBe("From the base backup of 2026-01-02T11:00:10.000Z and 2 WAL segments of file:///wal.");
});

test("a server that fails to archive still has what it could not archive", () => {
  const failing = { ...archiving, failed: 2, lastFailedAt: live.now };
  const answer = judgeRun({ name, archive, live: { ...live, archiving: failing }, facts, run });
  expect(answer).toMatchObject({ available: true, span: span("2026-01-02T12:05:00.000Z") });
  expect(answer.message).toMatch(/fails to archive its WAL.*comes from the server itself\.$/);
});

test.each([
  ["does not answer", new Error("connection refused"), "does not answer (connection refused)"],
  ["is another one", { ...live, systemIdentifier: "75" }, "is another server now"],
  ["is a standby", { ...live, isStandby: true }, "is a standby now"],
  ["was promoted", { ...live, timeline: 2 }, "has been promoted since (timeline 2): back up again"],
  ["archives no more", { ...live, archiving: { ...archiving, mode: "off" } }, "has stopped to archive its WAL"],
])("of a server that %s there is what its archive holds, and why no more", (_, server, words) => {
  const answer = judgeRun({ name, archive, live: server, facts, run });
  expect(answer).toMatchObject({ available: true, span: span("2026-01-02T11:31:00.000Z") });
  expect(answer.message).toContain(words);
});

test("a gap ends the span, and is named", () => {
  const broken = { segments: segments.slice(0, 1), missing: "000000010000000000000003" };
  const answer = judgeRun({ name, archive, live, facts, run: broken });
  expect(answer).toMatchObject({ available: true, span: span("2026-01-02T11:30:00.000Z") });
  expect(answer.message).toMatch(/the WAL segment 000000010000000000000003 is missing from there\.$/);
  expect(() => refuseInstant("2026-01-02T11:40:00Z", answer)).toThrow("000000010000000000000003 is missing");
});

test("without the base backup's own WAL there is no instant at all", () => {
  const answer = judgeRun({ name, archive, live, facts, run: { segments: [], missing: segments[0]?.name ?? "" } });
  expect(answer).toEqual({
    available: false,
    span: null,
    message: "file:///wal lacks the WAL segment 000000010000000000000002, without which the base backup cannot be used.",
  });
});

test("an archive that ends before the base backup does leads to no instant", () => {
  const early = { segments: segments.map((one) => ({ ...one, archivedAt: new Date("2026-01-02T11:00:00Z") })), missing: null };
  const answer = judgeRun({ name, archive, live: new Error("gone"), facts, run: early });
  expect(answer).toMatchObject({ available: false, message: expect.stringMatching(/^There is no instant after/) });
});

test.each([
  ["before the span", "2026-01-02T11:00:09.999Z"],
  ["after it", "2026-01-02T12:05:00.001Z"],
])("an instant %s is refused with the span, one at its ends is not", (_, at) => {
  const answer = judgeRun({ name, archive, live, facts, run });
  expect(() => refuseInstant(at, answer)).toThrow("is not between 2026-01-02T11:00:10.000Z and 2026-01-02T12:05:00.000Z");
  refuseInstant(facts.finishedAt, answer);
  refuseInstant("2026-01-02T13:05:00+01:00", answer);
});

test.each([
  [
    "that does not archive",
    { ...live, archiving: { ...archiving, mode: "off" } },
    null,
    /archive_mode is off\)\. It can be restored to a backup's instant only\.$/,
  ],
  [
    "that archives to a place nobody has named",
    live,
    null,
    /archives its WAL \(8 WAL files, the last at .*Name the WAL archive in the plan/,
  ],
  ["that does not answer", new Error("connection refused"), null, /could not be asked .*: connection refused$/],
  [
    "whose base backup failed",
    live,
    { error: "The role relay may not take one." },
    /holds no base backup of .*: The role relay may not/,
  ],
])("without a base backup a server %s is said to lead to no instant, and why", (_, server, base, words) => {
  expect(judgeWithout(name, server, base)).toMatch(words);
});
