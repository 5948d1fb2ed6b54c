import { closeSync, fstatSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { type LogFile, logFilesOf } from "./logs.ts";

export type LogQuery = {
  follow: boolean;
  tailLines?: number;
  sinceMs?: number;
  timestamps: boolean;
  limitBytes?: number;
};

/** A file of the log as it was when the reading began: what is written later belongs to followers only. */
type Part = { descriptor: number; inode: number; size: number };

type Position = { part: number; offset: number };

const chunkBytes = 64 * 1024;
const readAt = promisify(read);

/**
 * A container's log as kubectl prints it, part by part. With `follow` it goes on until the container's log is closed (`live` is
 * the file while it is being written) or the signal ends it. The caller's pace is the reader's: nothing is read ahead.
 */
export async function* readLog(
  path: string,
  query: LogQuery,
  live: LogFile | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const text of formatted(path, query, live, signal)) {
    const bytes = Buffer.from(text);
    if (bytes.length >= left) {
      yield bytes.subarray(0, left).toString();
      return;
    }
    left -= bytes.length;
    yield text;
  }
}

async function* formatted(path: string, query: LogQuery, live: LogFile | undefined, signal: AbortSignal): AsyncGenerator<string> {
  const since = query.sinceMs === undefined ? undefined : new Date(query.sinceMs).toISOString().slice(0, -1);
  let rest = "";
  for await (const chunk of rawParts(path, query, live, signal)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    let text = "";
    for (const line of lines) text += formatLine(line, query.timestamps, since);
    if (text) yield text;
  }
}

/** One stored line as it is printed; nothing when it is older than `since`, a time without its Z, so that texts compare as times. */
export function formatLine(line: string, timestamps: boolean, since?: string): string {
  const match = /^(\S+) (?:stdout|stderr) ([FP]) (.*)$/s.exec(line);
  if (!match) return "";
  const [, time = "", tag, text = ""] = match;
  if (since !== undefined && time < since) return "";
  return `${timestamps ? `${time} ` : ""}${text}${tag === "F" ? "\n" : ""}`;
}

async function* rawParts(path: string, query: LogQuery, live: LogFile | undefined, signal: AbortSignal): AsyncGenerator<string> {
  const parts = openParts(logFilesOf(path));
  try {
    const start = query.tailLines === undefined ? { part: 0, offset: 0 } : await findTail(parts, query.tailLines);
    const decoder = new TextDecoder();
    for (const [index, part] of parts.entries()) {
      let offset = index < start.part ? part.size : index === start.part ? start.offset : 0;
      while (offset < part.size && !signal.aborted) {
        const bytes = await readPart(part, offset, Math.min(chunkBytes, part.size - offset));
        if (bytes.length === 0) break;
        offset += bytes.length;
        yield decoder.decode(bytes, { stream: true });
      }
    }
    if (query.follow && live) yield* following(path, parts, live, decoder, signal);
  } finally {
    for (const { descriptor } of parts) closeSync(descriptor);
  }
}

/** Goes on from the known end of the newest part, through every file that a rotation begins, until the log is closed. */
async function* following(
  path: string,
  parts: Part[],
  live: LogFile,
  decoder: TextDecoder,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let [current] = parts.slice(-1);
  let offset = current?.size ?? 0;
  while (current && !signal.aborted) {
    // Armed before the read, so that a write between the read and the wait is not missed.
    const change = live.closed ? undefined : nextChange(live, signal);
    const bytes = await readPart(current, offset, chunkBytes);
    if (bytes.length > 0) {
      change?.cancel();
      offset += bytes.length;
      yield decoder.decode(bytes, { stream: true });
      continue;
    }
    const next = openNext(path, current);
    if (next) {
      change?.cancel();
      // A file that was read to its end is not held open: rotated away, it would keep its space on the disk.
      for (const { descriptor } of parts.splice(0)) closeSync(descriptor);
      parts.push(next);
      current = next;
      offset = 0;
      continue;
    }
    if (!change) return;
    await change.happened;
  }
}

/** Opens all files at one instant: a rotation can only come before or after it. */
function openParts(paths: string[]): Part[] {
  return paths.map((path) => {
    const descriptor = openSync(path, "r");
    const { ino, size } = fstatSync(descriptor);
    return { descriptor, inode: ino, size };
  });
}

/** The file that was begun after this one; the oldest that is left when this one was removed; undefined when it is the newest. */
function openNext(path: string, { inode }: Part): Part | undefined {
  const parts = openParts(logFilesOf(path));
  const next = parts[parts.findIndex((part) => part.inode === inode) + 1];
  for (const part of parts) if (part !== next) closeSync(part.descriptor);
  return next;
}

async function readPart({ descriptor }: Part, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await readAt(descriptor, buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function nextChange(live: LogFile, signal: AbortSignal): { happened: Promise<void>; cancel: () => void } {
  let cancel = () => {};
  const happened = new Promise<void>((resolve) => {
    const off = live.onChange(done);
    signal.addEventListener("abort", done, { once: true });
    cancel = done;
    function done() {
      off();
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
  return { happened, cancel };
}

async function findTail(parts: Part[], lines: number): Promise<Position> {
  if (lines === 0) return { part: parts.length, offset: 0 };
  let wanted = lines;
  for (const [index, part] of [...parts.entries()].reverse()) {
    for (let end = part.size; end > 0; ) {
      const begin = Math.max(0, end - chunkBytes);
      const buffer = await readPart(part, begin, end - begin);
      for (let at = buffer.length - 1; at >= 0; at -= 1) {
        // The newline that ends the file's last line begins no further line.
        if (buffer[at] !== 10 || begin + at === part.size - 1) continue;
        wanted -= 1;
        if (wanted === 0) return { part: index, offset: begin + at + 1 };
      }
      end = begin;
    }
    // The first line of a file has no newline before it.
    if (part.size > 0) wanted -= 1;
    if (wanted === 0) return { part: index, offset: 0 };
  }
  return { part: 0, offset: 0 };
}
