import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

const maxFileBytes = 10 * 1024 * 1024;
const maxFiles = 5;
const maxLineBytes = 16 * 1024;

/**
 * A container's log in CRI format, "TIME STREAM F|P TEXT", in PATH with PATH.1 to PATH.4 older. Writes are synchronous: a line
 * that the container wrote is in the file before the kubelet reads the next one, so nothing queues up in memory.
 */
export class LogFile {
  readonly path: string;
  readonly #now: () => bigint;
  readonly #limitBytes: number;
  #descriptor: number;
  #size: number;
  readonly #listeners = new Set<() => void>();

  constructor(path: string, options: { now?: () => bigint; limitBytes?: number } = {}) {
    this.path = path;
    this.#now = options.now ?? nowNanoseconds;
    this.#limitBytes = options.limitBytes ?? maxFileBytes;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, "a", 0o640);
    this.#size = fstatSync(this.#descriptor).size;
  }

  /** Copies a stream's lines until it ends; a line longer than 16 KiB is written in parts. */
  capture(stream: Readable, name: "stdout" | "stderr"): void {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      let text = "";
      for (const line of lines) text += this.#formatLine(name, line);
      while (rest.length >= maxLineBytes) {
        text += this.#format(name, "P", rest.slice(0, maxLineBytes));
        rest = rest.slice(maxLineBytes);
      }
      if (text) this.#append(text);
    });
    stream.on("end", () => {
      const last = rest + decoder.end();
      if (last) this.#append(this.#format(name, "F", last));
    });
    stream.on("error", () => {});
  }

  /** Calls the listener after each write and when the log is closed. Returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get closed(): boolean {
    return this.#descriptor < 0;
  }

  close(): void {
    if (this.closed) return;
    closeSync(this.#descriptor);
    this.#descriptor = -1;
    for (const listener of this.#listeners) listener();
  }

  #formatLine(stream: string, line: string): string {
    let text = "";
    let start = 0;
    for (; line.length - start > maxLineBytes; start += maxLineBytes) {
      text += this.#format(stream, "P", line.slice(start, start + maxLineBytes));
    }
    return text + this.#format(stream, "F", line.slice(start));
  }

  #format(stream: string, tag: "F" | "P", line: string): string {
    return `${formatNanoseconds(this.#now())} ${stream} ${tag} ${line}\n`;
  }

  #append(text: string): void {
    if (this.closed) return;
    const bytes = Buffer.from(text);
    try {
      if (this.#size > 0 && this.#size + bytes.length > this.#limitBytes) this.#rotate();
      this.#size += writeSync(this.#descriptor, bytes);
    } catch {
      // The disk is full: lines are lost, and the container and its kubelet go on.
      return;
    }
    for (const listener of this.#listeners) listener();
  }

  #rotate(): void {
    for (let index = maxFiles - 1; index >= 1; index -= 1) {
      const from = index === 1 ? this.path : `${this.path}.${index - 1}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${index}`);
    }
    const next = openSync(this.path, "a", 0o640);
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#size = 0;
  }
}

/** All files of one log, the oldest first. */
export function logFilesOf(path: string): string[] {
  const older = Array.from({ length: maxFiles - 1 }, (_, index) => `${path}.${maxFiles - 1 - index}`);
  return [...older, path].filter((file) => existsSync(file));
}

/** Removes a log with its rotated files. */
export function removeLog(path: string): void {
  for (const file of logFilesOf(path)) rmSync(file, { force: true });
}

const driftLimit = 1_000_000_000n;
let offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Finer than the machine's clock, and never far from it: the monotonic one stands still while the machine sleeps. */
function nowNanoseconds(): bigint {
  const monotonic = process.hrtime.bigint();
  const wall = BigInt(Date.now()) * 1_000_000n;
  const drift = wall - (monotonic + offset);
  if (drift > driftLimit || drift < -driftLimit) offset = wall - monotonic;
  return monotonic + offset;
}

/** RFC 3339 with nanoseconds, in UTC. */
export function formatNanoseconds(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(time % 1_000_000_000n).padStart(9, "0")}Z`;
}
