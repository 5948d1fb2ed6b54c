import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { DurableBuffer, type DurableBufferOptions } from "./durable-buffer.ts";
import { encodeGone, encodeReading, parseSegment } from "./segment.ts";

const atMs = Date.parse("2026-01-02T03:04:05Z");
const endless = { readings: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
const reading = (value: number) => ({ sensor: "s", atMs, value: String(value) });
let folder: string;
let opened: DurableBuffer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-buffer-"));
  opened = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const buffer of opened) await buffer.close();
  rmSync(folder, { recursive: true });
});

/** One life of an edge's buffer; a life that is not closed ends as by kill -9: its files are what it left. */
async function openBuffer(options: Partial<DurableBufferOptions> = {}): Promise<DurableBuffer> {
  const logger = createLogger("edge", "silent");
  const buffer = await DurableBuffer.open({ folder, size: 10_000, fsync: "never", logger, ...options });
  opened.push(buffer);
  return buffer;
}

async function keep(buffer: DurableBuffer, from: number, to: number): Promise<void> {
  const values = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  await Promise.all(values.map((value) => buffer.keep([reading(value)])));
}

type Sent = { stream: string; sequence: number; value: unknown };

/** Every reading that the buffer would send now, by stream and number, in order. */
function send(buffer: DurableBuffer): Sent[] {
  const sent: Sent[] = [];
  for (let batch = buffer.next(endless); batch; batch = buffer.next(endless)) {
    let sequence = batch.first;
    for (const { value } of batch.readings) sent.push({ stream: batch.stream, sequence: sequence++, value: Number(value) });
  }
  return sent;
}

/** Sends everything, all of it acknowledged. */
function drain(buffer: DurableBuffer): Sent[] {
  const all: Sent[] = [];
  for (let sent = send(buffer); sent.length > 0; sent = send(buffer)) {
    for (const { stream, sequence } of sent) buffer.acknowledge(stream, sequence);
    all.push(...sent);
  }
  return all;
}

const files = () => readdirSync(folder).sort();
const lastFile = () => join(folder, files().at(-1) ?? "");
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("what was kept is there in the next life, in order, under the stream and numbers that it had", async () => {
  const first = await openBuffer();
  await keep(first, 1, 700);
  const second = await openBuffer();
  await keep(second, 701, 900);
  const third = await openBuffer();
  const sent = drain(third);
  expect(sent.map(({ value }) => value)).toEqual(range(1, 900));
  expect(sent.map(({ sequence }) => sequence)).toEqual(range(1, 900));
  expect(sent.map(({ stream }) => stream)).toEqual(range(1, 900).map((n) => (n <= 700 ? first : second).ownStream));
});

test("what the hub has taken over does not come again in the next life, and its segments are removed", async () => {
  const first = await openBuffer({ segmentBytes: 1_000 });
  await keep(first, 1, 20);
  await keep(first, 21, 60);
  await keep(first, 61, 70);
  expect(files().length).toBe(3);
  const firstSent = first.next({ readings: 65, bytes: Number.POSITIVE_INFINITY });
  expect(firstSent?.readings.count).toBe(65);
  first.acknowledge(first.ownStream, 65);
  await first.close();
  expect(files().length).toBe(1);
  const second = await openBuffer();
  expect(drain(second).map(({ value }) => value)).toEqual(range(66, 70));
  await second.close();
  const third = await openBuffer();
  expect(third.depth).toBe(0);
  expect(files()).toEqual([]);
});

test("a torn end is cut at every byte of it, and everything before it is kept", async () => {
  const first = await openBuffer();
  await keep(first, 1, 3);
  const name = files()[0] ?? "";
  const whole = readFileSync(join(folder, name));
  const lineEnds = [...whole.entries()].filter(([, byte]) => byte === 10).map(([index]) => index + 1);
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(join(folder, name), whole.subarray(0, length));
    const buffer = await openBuffer();
    const wanted = lineEnds.filter((end) => end <= length).length;
    expect(send(buffer).map(({ value }) => value)).toEqual(range(1, wanted));
    if (wanted > 0) expect(statSync(join(folder, name)).size).toBe(lineEnds[wanted - 1]);
  }
});

test("a reading whose bytes changed on the disk is left out, and those around it are kept", async () => {
  await keep(await openBuffer(), 1, 5);
  const text = readFileSync(lastFile(), "utf8");
  writeFileSync(lastFile(), text.replace('"value":3', '"value":8'));
  const buffer = await openBuffer();
  expect(drain(buffer).map(({ value }) => value)).toEqual([1, 2, 4, 5]);
});

test("a reading on the disk that cannot be sent is left out, and those around it are kept", async () => {
  const first = await openBuffer();
  await keep(first, 1, 1);
  const late = { ...reading(2), sequence: 2, atMs: Date.parse("9999-12-31T00:00:00Z") };
  appendFileSync(lastFile(), encodeReading(late) + encodeReading({ ...reading(3), sequence: 3 }));
  expect(drain(await openBuffer()).map(({ value }) => value)).toEqual([1, 3]);
});

test("a number is never used twice in a stream, although the end of the last life's file is gone", async () => {
  const first = await openBuffer();
  await keep(first, 1, 5);
  writeFileSync(lastFile(), readFileSync(lastFile()).subarray(0, 60));
  const second = await openBuffer();
  await keep(second, 6, 7);
  expect(second.ownStream).not.toBe(first.ownStream);
  expect(
    drain(second)
      .map(({ stream }) => stream)
      .filter((stream) => stream === second.ownStream),
  ).toHaveLength(2);
});

test.each([
  [9_999, 0],
  [10_000, 0],
  [10_001, 1],
  [50_000, 40_000],
])(
  "an outage that produces %i readings drops exactly %i, oldest first, in this life and for the next",
  async (produced, dropped) => {
    const first = await openBuffer();
    for (let from = 1; from <= produced; from += 2_000) await keep(first, from, Math.min(produced, from + 1_999));
    expect(first.dropped).toBe(dropped);
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(3 * 1024 * 1024);
    await first.close();
    const second = await openBuffer();
    expect(second.dropped).toBe(0);
    expect(drain(second).map(({ value }) => value)).toEqual(range(dropped + 1, produced));
  },
);

test("what an outage drops behind readings that were on their way is gone for the next life too, and those readings are not", async () => {
  const first = await openBuffer({ size: 50 });
  await keep(first, 1, 20);
  expect(send(first)).toHaveLength(20);
  first.rewind();
  await keep(first, 21, 100);
  expect([first.dropped, first.depth]).toEqual([30, 70]);
  await first.close();
  const second = await openBuffer({ size: 100 });
  expect(drain(second).map(({ value }) => value)).toEqual([...range(1, 20), ...range(51, 100)]);
  expect(second.dropped).toBe(0);
});

test("a smaller size in the next life drops the oldest, counted", async () => {
  await keep(await openBuffer(), 1, 100);
  const second = await openBuffer({ size: 30 });
  expect(second.dropped).toBe(70);
  expect(drain(second).map(({ value }) => value)).toEqual(range(71, 100));
});

async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(import.meta.filename, "r");
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** Makes writes to files fail as those to a full disk do: partly written. */
async function failWrites(code: string) {
  const prototype = await fileHandlePrototype();
  const write = prototype.write as (...args: unknown[]) => Promise<unknown>;
  vi.spyOn(prototype, "write").mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
    const [data, offset, , position] = args;
    await write.call(this, data, offset, 70, position);
    throw Object.assign(new Error(`${code}: no more`), { code });
  } as never);
}

test.each([
  ["ENOSPC", "disk_full", /the disk of the buffer is full/],
  ["EIO", "disk_failed", /cannot be written/],
])("on %s readings are refused and counted, leave nothing behind, and the next ones are kept", async (code, reason, message) => {
  const refused: string[] = [];
  const first = await openBuffer({ onNotKept: (what) => refused.push(what) });
  await keep(first, 1, 3);
  await failWrites(code);
  const answers = await Promise.allSettled(range(4, 6).map((value) => first.keep([reading(value)])));
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect(first.keep([reading(7)])).rejects.toThrow(message);
  expect(refused).toEqual([reason, reason, reason, reason]);
  expect(first.depth).toBe(3);
  vi.restoreAllMocks();
  await keep(first, 8, 9);
  const sent = drain(await openBuffer());
  expect(sent.map(({ value }) => value)).toEqual([1, 2, 3, 8, 9]);
  expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
});

test("on a full disk the segments that the hub has taken over are removed, so that there is room again", async () => {
  const first = await openBuffer();
  await keep(first, 1, 50);
  const [full] = files();
  await failWrites("ENOSPC");
  for (let i = 0; i < 5; i++) await expect(first.keep([reading(51)])).rejects.toThrow(/full/);
  send(first);
  first.acknowledge(first.ownStream, 50);
  await expect.poll(files).not.toContain(full);
  expect(files().length).toBeLessThanOrEqual(1);
  vi.restoreAllMocks();
  await keep(first, 52, 53);
  expect(drain(await openBuffer()).map(({ value }) => value)).toEqual([52, 53]);
});

test("a write that failed and cannot be taken back keeps its numbers to itself", async () => {
  const first = await openBuffer();
  await keep(first, 1, 3);
  await failWrites("EIO");
  vi.spyOn(await fileHandlePrototype(), "truncate").mockRejectedValue(new Error("EIO"));
  await expect(first.keep([reading(4)])).rejects.toThrow(/cannot be written/);
  vi.restoreAllMocks();
  await keep(first, 5, 6);
  const sent = drain(await openBuffer());
  expect(sent.filter(({ value }) => value !== 4).map(({ value }) => value)).toEqual([1, 2, 3, 5, 6]);
  expect(new Set(sent.map(({ sequence }) => sequence)).size).toBe(sent.length);
});

test("files that are not the buffer's are left alone", async () => {
  writeFileSync(join(folder, "notes.txt"), "mine");
  const buffer = await openBuffer();
  await keep(buffer, 1, 2);
  drain(buffer);
  await buffer.close();
  await openBuffer();
  expect(files()).toEqual(["notes.txt"]);
});

test("under the policy `always` nothing is acknowledged before it is synced, and readings that come together share a sync", async () => {
  const buffer = await openBuffer({ fsync: "always" });
  await keep(buffer, 1, 1);
  const gate = Promise.withResolvers<void>();
  const sync = vi.spyOn(await fileHandlePrototype(), "datasync").mockImplementation(() => gate.promise);
  let kept = false;
  const keeping = keep(buffer, 2, 101).then(() => {
    kept = true;
  });
  await expect.poll(() => sync.mock.calls.length).toBe(1);
  expect(parseSegment(readFileSync(lastFile())).readings).toHaveLength(101);
  expect([kept, buffer.depth]).toEqual([false, 1]);
  gate.resolve();
  await keeping;
  expect(buffer.depth).toBe(101);
  expect(sync).toHaveBeenCalledTimes(1);
});

test("bad lines at the end of a segment count as its torn end", () => {
  const path = join(folder, "x");
  writeFileSync(path, encodeGone({ gone: 7 }));
  appendFileSync(path, "00000000 {}\nhalf");
  expect(parseSegment(readFileSync(path))).toMatchObject({ gone: [{ gone: 7 }], goodBytes: 20, badLines: 0 });
});
