import { expect, test } from "vitest";
import type { PostgresBaseFacts } from "./postgres-base-facts.ts";
import { chainOf, segmentAfter, segmentOf, type WalSegment } from "./wal-archive.ts";

const base: PostgresBaseFacts = {
  serverVersion: "15.14",
  majorVersion: 15,
  systemIdentifier: "7400000000000000000",
  timeline: 1,
  walSegmentBytes: 16 * 1024 * 1024,
  startLsn: "0/FE000028",
  stopLsn: "0/FF000000",
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:00:10.000Z",
  walArchive: "file:///wal",
  settings: {},
};

function archive(...names: string[]): Map<string, WalSegment> {
  return new Map(names.map((name) => [name, { name, archivedAt: new Date(0) }]));
}

const names = ({ segments }: { segments: WalSegment[] }) => segments.map(({ name }) => name);
const [first, second, third, fourth] = [
  "0000000100000000000000FE",
  "0000000100000000000000FF",
  "000000010000000100000000",
  "000000010000000100000001",
] as const;

test("a position lies in the segment that PostgreSQL names for it", () => {
  expect(segmentOf("0/2000028", base)).toBe("000000010000000000000002");
  expect(segmentOf("A/FF000000", { ...base, timeline: 31 })).toBe("0000001F0000000A000000FF");
  expect(segmentOf("1/40000000", { timeline: 1, walSegmentBytes: 1024 ** 3 })).toBe("000000010000000100000001");
});

test("what ends where a segment ends needs that segment and not the next one", () => {
  expect(segmentOf(base.stopLsn, base, true)).toBe(first);
  expect(segmentOf("0/FF000001", base, true)).toBe(second);
});

test("after the last segment of a log comes the first one of the next, whatever their size is", () => {
  expect(segmentAfter(second, base)).toBe(third);
  expect(segmentAfter("000000010000000000000003", { timeline: 1, walSegmentBytes: 1024 ** 3 })).toBe(third);
});

test("segments from before the base backup are passed over, those after it are a run without a gap", () => {
  const run = chainOf(archive("0000000100000000000000FA", fourth, third, second, first), base, fourth);
  expect(names(run)).toEqual([first, second, third, fourth]);
  expect(run.missing).toBeNull();
});

test("a gap ends the run, and its first segment is named", () => {
  const run = chainOf(archive(first, third, fourth), base, null);
  expect(names(run)).toEqual([first]);
  expect(run.missing).toBe(second);
});

test("an end that the server has archived and the archive has not is a gap, too", () => {
  expect(chainOf(archive(first, second), base, fourth)).toMatchObject({ missing: third });
  expect(chainOf(archive(first, second), base, second)).toMatchObject({ missing: null });
});

test("without the base backup's own first segment there is no run", () => {
  const run = chainOf(archive(second, third), base, null);
  expect(run).toEqual({ segments: [], missing: first });
});
