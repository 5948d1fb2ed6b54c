import { type FileHandle, open, stat } from "node:fs/promises";
import { type LogFile, logFilesOf } from "./logs.ts";

export type LogQuery = {
  follow: boolean;
  tailLines?: number;
  sinceMs?: number;
  timestamps: boolean;
  limitBytes?: number;
};

type Position = { file: number; offset: number };

const chunkBytes = 64 * 1024;

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
  const files = logFilesOf(path);
  const start = query.tailLines === undefined ? { file: 0, offset: 0 } : await findTail(files, query.tailLines);
  for (const [index, file] of files.entries()) {
    if (index < start.file) continue;
    const isCurrent = index === files.length - 1;
    const offset = index === start.file ? start.offset : 0;
    yield* oneFile(file, offset, query.follow && isCurrent ? live : undefined, signal);
  }
}

async function* oneFile(path: string, offset: number, live: LogFile | undefined, signal: AbortSignal): AsyncGenerator<string> {
  let handle = await open(path, "r");
  try {
    const decoder = new TextDecoder();
    let position = offset;
    while (!signal.aborted) {
      // Armed before the read, so that a write between the read and the wait is not missed.
      const change = live && !live.closed ? nextChange(live, signal) : undefined;
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
      if (bytesRead > 0) {
        change?.cancel();
        position += bytesRead;
        yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
        continue;
      }
      if (!change) return;
      if (await wasReplaced(handle, path)) {
        change.cancel();
        await handle.close();
        handle = await open(path, "r");
        position = 0;
        continue;
      }
      await change.happened;
    }
  } finally {
    await handle.close();
  }
}

async function wasReplaced(handle: FileHandle, path: string): Promise<boolean> {
  const [held, current] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  return current !== undefined && current.ino !== held.ino;
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

async function findTail(files: string[], lines: number): Promise<Position> {
  let wanted = lines;
  if (wanted === 0 && files.length > 0) {
    const last = files.length - 1;
    return { file: last, offset: (await stat(files[last] ?? "")).size };
  }
  for (let file = files.length - 1; file >= 0; file -= 1) {
    const handle = await open(files[file] ?? "", "r");
    try {
      let end = (await handle.stat()).size;
      let isAtEnd = true;
      while (end > 0) {
        const begin = Math.max(0, end - chunkBytes);
        const buffer = Buffer.allocUnsafe(end - begin);
        await handle.read(buffer, 0, buffer.length, begin);
        for (let index = buffer.length - 1; index >= 0; index -= 1) {
          if (buffer[index] !== 10) continue;
          // The newline that ends the file's last line begins no further line.
          if (isAtEnd && begin + index === end - 1) {
            isAtEnd = false;
            continue;
          }
          wanted -= 1;
          if (wanted === 0) return { file, offset: begin + index + 1 };
        }
        isAtEnd = false;
        end = begin;
      }
      // The first line of a file has no newline before it.
      if (file > 0) wanted -= 1;
      if (wanted === 0) return { file, offset: 0 };
    } finally {
      await handle.close();
    }
  }
  return { file: 0, offset: 0 };
}
