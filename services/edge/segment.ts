import { crc32 } from "node:zlib";
import { z } from "zod";
import type { Reading } from "./offline-buffer.ts";

/*
 * A segment is a file of lines, each the CRC-32 of its JSON in eight hexadecimal digits, a space and the JSON:
 *   {"sequence", "sensor", "at", "value"}   a reading
 *   {"gone": n}   everything up to and including number n, in any file, has been taken over by the hub or dropped
 *   {"gone": n, "after": m}   what follows number m, up to and including number n, has been dropped
 */

const goneEntry = z.object({ gone: z.number().int(), after: z.number().int().optional() });
const readingEntry = z.object({
  sequence: z.number().int().min(1),
  sensor: z.string(),
  at: z.iso.datetime(),
  value: z.unknown(),
});

export type GoneEntry = z.output<typeof goneEntry>;
export type NumberedReading = Reading & { sequence: number };

export type Segment = {
  readings: NumberedReading[];
  /** What is gone. */
  gone: GoneEntry[];
  /** Bytes up to the end of the last good line: what follows is the torn tail. */
  goodBytes: number;
  /** Bad lines before the last good one. A torn write leaves none; a bad disk does. */
  badLines: number;
};

export function encodeGone(entry: GoneEntry): string {
  return encodeLine(JSON.stringify(entry));
}

export function encodeReading({ sequence, sensor, atMs, value }: NumberedReading): string {
  const at = new Date(atMs).toISOString();
  return encodeLine(`{"sequence":${sequence},"sensor":${JSON.stringify(sensor)},"at":"${at}","value":${value}}`);
}

function encodeLine(json: string): string {
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

export function parseSegment(bytes: Buffer): Segment {
  const segment: Segment = { readings: [], gone: [], goodBytes: 0, badLines: 0 };
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
    if ("gone" in entry) segment.gone.push(entry);
    else segment.readings.push(entry);
  }
  return segment;
}

function parseLine(line: Buffer): GoneEntry | NumberedReading | undefined {
  const json = line.subarray(9);
  if (line.toString("latin1", 0, 9) !== `${crc32(json).toString(16).padStart(8, "0")} `) return undefined;
  try {
    const entry = z.union([readingEntry, goneEntry]).safeParse(JSON.parse(json.toString())).data;
    if (!entry || "gone" in entry) return entry;
    const { sequence, sensor, at, value } = entry;
    return { sequence, sensor, atMs: Date.parse(at), value: JSON.stringify(value) };
  } catch {
    return undefined;
  }
}
