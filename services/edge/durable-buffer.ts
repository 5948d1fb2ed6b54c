import { access, constants, type FileHandle, mkdir, open, readdir, readFile, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { exitConfig } from "#lib/runtime/env.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { OfflineBuffer, type Reading } from "./offline-buffer.ts";
import { encodeGone, encodeReading, type GoneEntry, type NumberedReading, parseSegment } from "./segment.ts";

/** `always`: on the disk before it is acknowledged; `never`: with the kernel, so that it survives the process but not the machine. */
export type FsyncPolicy = "always" | "never";

/** A reading that could not be written, and is not kept. The message is for the sensor. */
export class NotKeptError extends Error {
  override readonly name = "NotKeptError";
  readonly reason: "disk_full" | "disk_failed";

  constructor(cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes(code);
    super(isFull ? "not kept: the disk of the buffer is full" : "not kept: the buffer cannot be written", { cause });
    this.reason = isFull ? "disk_full" : "disk_failed";
  }
}

export type DurableBufferOptions = {
  folder: string;
  /** Readings kept at most; then the oldest go, counted. */
  size: number;
  /** Bytes of readings kept at most, the same way; 64 MiB by default. */
  maxBytes?: number;
  fsync: FsyncPolicy;
  /** A segment that is longer is followed by another one; 1 MiB by default. */
  segmentBytes?: number;
  logger: Logger;
  /** Readings were written, and may be sent. */
  onKept?: () => void;
  onNotKept?: (reason: NotKeptError["reason"]) => void;
};

/** The number that was next when it was begun, which file of its life it is, and its stream. */
const segmentName = /^\d{16}-\d{9}-([0-9a-f-]{36})\.log$/;

type Waiting = { readings: Reading[]; resolve: () => void; reject: (error: NotKeptError) => void };
type SegmentFile = { path: string; last: number };
type Active = { file: FileHandle; segment: SegmentFile; bytes: number };

/**
 * The offline buffer on disk. Readings are appended to segments, those that come together in one write and one fsync, and only
 * what is written is kept, acknowledged and sent. Each life of the process writes a stream of its own in files of its own, so
 * that a number that was sent once never means another reading, whatever a crash took from the end of a file.
 */
export class DurableBuffer extends OfflineBuffer {
  readonly #options: DurableBufferOptions;
  /** Oldest first; the one that is written to is last. */
  readonly #segments: SegmentFile[] = [];
  #waiting: Waiting[] = [];
  #active: Active | undefined;
  #working: Promise<void> | undefined;
  #hasWork = false;
  #goneWritten = 0;
  #droppedWritten = 0;
  #files = 0;

  private constructor(options: DurableBufferOptions) {
    super(options.size, options.maxBytes);
    this.#options = options;
  }

  /** Reads what earlier lives left behind, cutting torn tails. Rejects when the folder cannot be made, read or written to. */
  static async open(options: DurableBufferOptions): Promise<DurableBuffer> {
    const buffer = new DurableBuffer(options);
    await buffer.#load();
    return buffer;
  }

  /** Opens as `open` does; when the folder cannot be used, says so on standard error and ends the process with exit code 78. */
  static async openOrExit(options: DurableBufferOptions): Promise<DurableBuffer> {
    try {
      return await DurableBuffer.open(options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(`EDGE_BUFFER_DIR: got ${JSON.stringify(options.folder)}; wants a folder of its own (${reason})\n`);
      process.exit(exitConfig);
    }
  }

  /** Keeps the readings, all or none; resolves when they are written as the fsync policy says. Rejects with NotKeptError. */
  keep(readings: Reading[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ readings, resolve, reject });
      this.#wake();
    });
  }

  override acknowledge(stream: string, sequence: number): number {
    const gone = super.acknowledge(stream, sequence);
    if (gone > 0) this.#wake();
    return gone;
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    while (this.#working) await this.#working;
    await this.#active?.file.close();
    this.#active = undefined;
  }

  async #load(): Promise<void> {
    const { folder, logger } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK);
    const names = (await readdir(folder)).filter((name) => segmentName.test(name)).sort();
    const found: { reading: NumberedReading; stream: string }[] = [];
    const gone: GoneEntry[] = [];
    for (const name of names) {
      const path = join(folder, name);
      const bytes = await readFile(path);
      const segment = parseSegment(bytes);
      const torn = bytes.length - segment.goodBytes;
      if (torn > 0) await truncate(path, segment.goodBytes);
      if (torn > 0) logger.warn({ file: name, bytes: torn }, "cut the torn end of a segment: it was never acknowledged");
      if (segment.badLines > 0) logger.error({ file: name, lines: segment.badLines }, "a segment has lines that cannot be read");
      gone.push(...segment.gone);
      const stream = segmentName.exec(name)?.[1] ?? "";
      for (const reading of segment.readings) found.push({ reading, stream });
      this.#segments.push({ path, last: segment.readings.at(-1)?.sequence ?? 0 });
    }
    this.skipTo(Math.max(0, ...gone.filter(({ after }) => after === undefined).map(({ gone: upTo }) => upTo)));
    const dropped = gone.filter(({ after }) => after !== undefined);
    for (const { reading, stream } of found) {
      const { sequence } = reading;
      if (sequence < this.nextSequence) continue;
      if (dropped.some(({ gone: upTo, after = 0 }) => sequence > after && sequence <= upTo)) continue;
      try {
        this.restore(reading, sequence, stream);
      } catch (error) {
        logger.error({ err: error, sequence }, "a reading on the disk is not one that can be sent; it is left out");
        this.skipTo(sequence);
      }
    }
    this.#goneWritten = this.firstSequence - 1;
    await this.#removeEmptySegments();
    if (names.length > 0) logger.info({ readings: this.depth, segments: this.#segments.length }, "read the buffer from disk");
  }

  #wake(): void {
    this.#hasWork = true;
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    // A turn of the event loop lets the readings of one chunk share a write.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#hasWork) {
      this.#hasWork = false;
      if (this.#waiting.length > 0) await this.#writeWaiting(this.#waiting.splice(0));
      if (this.#waiting.length === 0) await this.#writeGone();
      await this.#removeEmptySegments();
    }
    this.#working = undefined;
  }

  async #writeWaiting(batch: Waiting[]): Promise<void> {
    const readings = batch.flatMap((waiting) => waiting.readings);
    const notes = this.#notes();
    const lines = readings.map((reading, i) => encodeReading({ ...reading, sequence: this.nextSequence + i }));
    try {
      await this.#append([...notes.map(encodeGone), ...lines].join(""), readings.length);
      this.#noted(notes);
    } catch (error) {
      const refusal = new NotKeptError(error);
      this.#options.logger.error({ err: error, readings: readings.length }, refusal.message);
      for (const waiting of batch) {
        waiting.reject(refusal);
        for (const _ of waiting.readings) this.#options.onNotKept?.(refusal.reason);
      }
      return;
    }
    for (const reading of readings) this.push(reading);
    if (this.#active) this.#active.segment.last = this.nextSequence - 1;
    for (const { resolve } of batch) resolve();
    this.#options.onKept?.();
  }

  /** Notes how far the hub is, and what was dropped. When that fails the same readings are sent again after a crash. */
  async #writeGone(): Promise<void> {
    const notes = this.#notes();
    if (notes.length === 0) return;
    try {
      await this.#append(notes.map(encodeGone).join(""), 0);
      this.#noted(notes);
    } catch (error) {
      this.#options.logger.warn({ err: error }, "could not note what the hub has taken over");
    }
  }

  /** What is gone and not noted yet. */
  #notes(): GoneEntry[] {
    const notes: GoneEntry[] = [];
    const gone = this.firstSequence - 1;
    if (gone > this.#goneWritten) notes.push({ gone });
    const dropped = this.droppedBehind;
    if (dropped && dropped.upTo > this.#droppedWritten) notes.push({ gone: dropped.upTo, after: dropped.after });
    return notes;
  }

  #noted(notes: GoneEntry[]): void {
    for (const { gone, after } of notes) {
      if (after === undefined) this.#goneWritten = gone;
      else this.#droppedWritten = gone;
    }
  }

  async #append(text: string, readings: number): Promise<void> {
    const { fsync, segmentBytes = 1024 * 1024 } = this.#options;
    if (this.#active && this.#active.bytes >= segmentBytes) await this.#leaveSegment();
    this.#active ??= await this.#openSegment();
    const active = this.#active;
    const data = Buffer.from(text);
    try {
      await writeAll(active.file, data, active.bytes);
      if (fsync === "always" && readings > 0) await active.file.datasync();
      active.bytes += data.length;
    } catch (error) {
      await this.#takeBack(active, readings);
      throw error;
    }
  }

  /**
   * Cuts what a failed write left; if that fails too, its numbers are given up: they may be in the file. The segment is left, so
   * that it can be removed and make room on a full disk.
   */
  async #takeBack(active: Active, readings: number): Promise<void> {
    try {
      await active.file.truncate(active.bytes);
      if (active.bytes > 0) await this.#leaveSegment();
    } catch {
      active.segment.last = this.nextSequence - 1 + readings;
      this.skipTo(active.segment.last);
      await this.#leaveSegment();
    }
  }

  async #openSegment(): Promise<Active> {
    const { folder, fsync } = this.#options;
    this.#files += 1;
    const place = `${String(this.nextSequence).padStart(16, "0")}-${String(this.#files).padStart(9, "0")}`;
    const segment = { path: join(folder, `${place}-${this.ownStream}.log`), last: 0 };
    const file = await open(segment.path, "wx", 0o600);
    this.#segments.push(segment);
    if (fsync === "always") await syncFolder(folder);
    return { file, segment, bytes: 0 };
  }

  async #leaveSegment(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close().catch(() => {});
  }

  /** Oldest first, so that a crash in between leaves no gap. */
  async #removeEmptySegments(): Promise<void> {
    for (;;) {
      const [oldest] = this.#segments;
      if (!oldest || oldest === this.#active?.segment || oldest.last >= this.firstSequence) return;
      await unlink(oldest.path).catch((error) => this.#options.logger.warn({ err: error }, "a segment cannot be removed"));
      this.#segments.shift();
    }
  }
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const { bytesWritten } = await file.write(data, at, data.length - at, position + at);
    at += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
