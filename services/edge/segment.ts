import { crc32 } from "node:zlib";
import { z } from "zod";
import type { EdgeMessage } from "#lib/protocol/hub-messages.ts";

/*
 * A segment is a file of lines, each the CRC-32 of its JSON in eight hexadecimal digits, a space and the JSON:
 *   {"sequence", "sensor", "at", "value"}   a reading
 *   {"gone": n}   everything up to and including number n, in any file, has been taken over by the hub or dropped
 */

const goneEntry = z.object({ gone: z.number().int() });
const readingEntry = z.object({
  sequence: z.number().int().min(1),
  sensor: z.string(),
  at: z.string(),
  value: z.unknown(),
});

export type SegmentEntry = z.output<typeof goneEntry> | EdgeMessage;

export type Segment = {
  readings: EdgeMessage[];
  /** The highest number that is gone. */
  gone: number;
  /** Bytes up to the end of the last good line: what follows is the torn tail. */
  goodBytes: number;
  /** Bad lines before the last good one. A torn write leaves none; a bad disk does. */
  badLines: number;
};

export function encodeEntry(entry: SegmentEntry): string {
  const json = JSON.stringify(entry);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

export function parseSegment(bytes: Buffer): Segment {
  const segment: Segment = { readings: [], gone: 0, goodBytes: 0, badLines: 0 };
  let bad = 0;
  let from = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
    const entry = parseLine(bytes.subarray(from, end));
    from = end + 1;
    if (!entry) {
      bad += 1;
      continue;
    }
    segment.badLines += bad;
    bad = 0;
    segment.goodBytes = from;
    if ("gone" in entry) segment.gone = Math.max(segment.gone, entry.gone);
    else segment.readings.push(entry);
  }
  return segment;
}

function parseLine(line: Buffer): SegmentEntry | undefined {
  const json = line.subarray(9);
  if (line.toString("latin1", 0, 9) !== `${crc32(json).toString(16).padStart(8, "0")} `) return undefined;
  try {
    return z.union([readingEntry, goneEntry]).safeParse(JSON.parse(json.toString())).data;
  } catch {
    return undefined;
  }
}
