import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { formatLine } from "./log-reader.ts";
import type { Container } from "./pod.ts";

const maxMessageBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;
const readBytes = 32 * 1024;

export const defaultMessagePath = "/dev/termination-log";

/** Empties the file in which a container may leave its last words; anybody in the container may write it. */
export function clearMessage(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "", { mode: 0o666 });
}

/** What a container said of its end: its message file, or the end of its log after a failure where the container asks for that. */
export function terminationMessage(
  { terminationMessagePolicy }: Pick<Container, "terminationMessagePolicy">,
  exitCode: number,
  files: { message: string; log: string },
): string | undefined {
  const message = readEnd(files.message, maxMessageBytes);
  if (message || terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return message || undefined;
  const stored = readEnd(files.log, readBytes)
    .split("\n")
    .slice(-maxLogLines - 1);
  const text = stored.map((line) => formatLine(line, false)).join("");
  return Buffer.from(text).subarray(-maxLogBytes).toString() || undefined;
}

function readEnd(path: string, bytes: number): string {
  try {
    const descriptor = openSync(path, "r");
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(bytes, size));
      const count = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.subarray(0, count).toString();
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "";
  }
}
