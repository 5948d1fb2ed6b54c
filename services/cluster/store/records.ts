import { crc32 } from "node:zlib";
import type { KubeObject } from "../api.ts";
import { encodeObject } from "./encoding.ts";

/**
 * One line of the log or of a snapshot: the CRC-32 of the rest in hexadecimal, a space, JSON, a newline. A line whose sum does
 * not match was torn by a crash (at the end of the log) or damaged (anywhere else).
 */
export type StoreRecord =
  | { op: "header"; format: 1; revision: number }
  | { op: "put"; resource: string; object: KubeObject }
  | { op: "remove"; resource: string; namespace: string; name: string; revision: number }
  | { op: "end"; count: number };

const newline = 10;

/** The line of a record in pieces; the bytes of an object are those that all of its readers share. */
export function encodeRecord(record: StoreRecord): Buffer[] {
  const json =
    record.op === "put"
      ? [Buffer.from(`{"op":"put","resource":${JSON.stringify(record.resource)},"object":`), encodeObject(record.object), closing]
      : [Buffer.from(JSON.stringify(record))];
  const sum = json.reduce((before, piece) => crc32(piece, before), 0);
  return [Buffer.from(`${sum.toString(16).padStart(8, "0")} `), ...json, lineEnd];
}

const closing = Buffer.from("}");
const lineEnd = Buffer.from("\n");

export type DecodedRecords = {
  records: StoreRecord[];
  /** Where the last whole record ends. */
  validBytes: number;
  /** True when damage is followed by further whole records, so that it cannot be a torn end. */
  isDamaged: boolean;
};

export function decodeRecords(bytes: Buffer): DecodedRecords {
  const records: StoreRecord[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(newline, start);
    const record = end < 0 ? undefined : decodeLine(bytes.subarray(start, end));
    if (!record) return { records, validBytes: start, isDamaged: hasRecordAfter(bytes, end) };
    records.push(record);
    start = end + 1;
  }
  return { records, validBytes: start, isDamaged: false };
}

function hasRecordAfter(bytes: Buffer, lineEnd: number): boolean {
  for (let start = lineEnd + 1; lineEnd >= 0 && start < bytes.length; ) {
    const end = bytes.indexOf(newline, start);
    if (end < 0) return false;
    if (decodeLine(bytes.subarray(start, end))) return true;
    start = end + 1;
  }
  return false;
}

function decodeLine(line: Buffer): StoreRecord | undefined {
  if (line.length < 11 || line[8] !== 32) return undefined;
  const json = line.subarray(9);
  if (line.toString("latin1", 0, 8) !== crc32(json).toString(16).padStart(8, "0")) return undefined;
  return JSON.parse(json.toString()) as StoreRecord;
}
