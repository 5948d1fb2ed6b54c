import { isUtf8 } from "node:buffer";

/*
 * Readings as they travel, big-endian. A block:
 *   0 count (32 bits)   4 number of sensor names (16)   6 reserved, zero (16)
 *   8 for each name: length (16), UTF-8
 *   then for each reading: sensor, an index of the names (16)   time in ms since 1970, signed (48)   length of the value (32)   value
 * A batch:
 *   0 number of its first reading (64)   8 role of the origin, 0 for the peer itself (8)   9 reserved, zero (8)
 *   10 lengths of stream, tenant and instance (16 each)   16 these three, UTF-8   then a block
 * Values are JSON texts that nobody on the way parses.
 */

/** One reading: when its sensor took it, in milliseconds since 1970, and what it said, as JSON. */
export type HubReading = { sensor: string; atMs: number; value: Buffer };

/** Whose readings a batch holds, when the peer that sends it passes it on for somebody else. */
export type BatchOrigin = { role: (typeof originRoles)[number]; tenant: string; instance: string };

/** Readings of one stream, numbered in a row from `first`. A stream is one life of an edge process. */
export type HubBatch = { stream: string; first: number; readings: ReadingBlock; origin?: BatchOrigin | undefined };

/** The roles that readings can come from, as they are numbered on the wire from 1. */
export const originRoles = ["edge", "client"] as const;

/** Longest name of a stream, sensor, tenant or instance, in UTF-16 units. */
export const maxLabelLength = 200;

/** From what ISO 8601 can write with four digits, to what 48 bits hold. */
const earliestMs = Date.parse("0000-01-01T00:00:00Z");
const latestMs = 2 ** 47 - 1;

const wrongTime = "the time of a reading is in the years 0 to 6429";

const entryHeaderBytes = 12;
const blockHeaderBytes = 8;
const batchHeaderBytes = 16;
const maxSensors = 0xffff;

/** Whether a reading may have this time, in milliseconds since 1970: one of the years 0 to 6429. */
export function isReadingTime(atMs: number): boolean {
  return atMs >= earliestMs && atMs <= latestMs;
}

/**
 * Readings in the bytes in which they travel: added at the end, taken from the front, with no object for each of them. Blocks that
 * were cut from one another share memory.
 */
export class ReadingBlock implements Iterable<HubReading> {
  #sensors: string[] = [];
  #indexes: Map<string, number> | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #count = 0;

  /** How many readings. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the readings without the sensors' names: what counts against a credit. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  /** Bytes of the longest value. */
  get longestValue(): number {
    let longest = 0;
    for (let at = this.#start; at < this.#end; ) {
      const length = this.#bytes.readUInt32BE(at + 8);
      longest = Math.max(longest, length);
      at += entryHeaderBytes + length;
    }
    return longest;
  }

  /** Adds a reading; `value` is JSON. Throws RangeError when the sensor's name or the time does not fit. */
  add(sensor: string, atMs: number, value: string | Buffer): void {
    if (!isReadingTime(atMs)) throw new RangeError(wrongTime);
    const index = this.#indexOf(sensor);
    const at = this.#end;
    const length = typeof value === "string" ? value.length * 3 : value.length;
    this.#reserve(entryHeaderBytes + length);
    const bytes = this.#bytes;
    const valueAt = at + entryHeaderBytes;
    const written = typeof value === "string" ? bytes.write(value, valueAt) : value.copy(bytes, valueAt);
    bytes.writeUInt16BE(index, at);
    bytes.writeIntBE(atMs, at + 2, 6);
    bytes.writeUInt32BE(written, at + 8);
    this.#end = valueAt + written;
    this.#count += 1;
  }

  /** Lets go of the oldest `count` readings. */
  dropFirst(count: number): void {
    if (count >= this.#count) this.#start = this.#end;
    else for (let i = 0; i < count; i++) this.#start += entryHeaderBytes + this.#bytes.readUInt32BE(this.#start + 8);
    this.#count = Math.max(0, this.#count - count);
  }

  /** Takes out the oldest readings, at most so many and of so many bytes. */
  takeFirst(count: number, maxBytes: number): ReadingBlock {
    const taken = this.clone();
    let end = this.#start;
    let left = 0;
    while (left < this.#count && left < count) {
      const size = entryHeaderBytes + this.#bytes.readUInt32BE(end + 8);
      if (end + size - this.#start > maxBytes) break;
      end += size;
      left += 1;
    }
    taken.#end = end;
    taken.#count = left;
    this.#start = end;
    this.#count -= left;
    return taken;
  }

  /** Another block of the same readings; what is added to or taken from one does not change the other. */
  clone(): ReadingBlock {
    const block = new ReadingBlock();
    block.#sensors = [...this.#sensors];
    // Full, so that an addition moves to memory of its own.
    block.#bytes = this.#bytes.subarray(0, this.#end);
    block.#start = this.#start;
    block.#end = this.#end;
    block.#count = this.#count;
    return block;
  }

  *[Symbol.iterator](): Generator<HubReading> {
    for (let at = this.#start; at < this.#end; ) {
      const end = at + entryHeaderBytes + this.#bytes.readUInt32BE(at + 8);
      const sensor = this.#sensors[this.#bytes.readUInt16BE(at)] ?? "";
      yield { sensor, atMs: this.#bytes.readIntBE(at + 2, 6), value: this.#bytes.subarray(at + entryHeaderBytes, end) };
      at = end;
    }
  }

  /** Bytes that `write` writes. */
  get encodedBytes(): number {
    let size = blockHeaderBytes + this.byteLength;
    for (const name of this.#sensors) size += 2 + Buffer.byteLength(name);
    return size;
  }

  /** Writes the block into `bytes`, as `decode` reads it. */
  write(bytes: Buffer, from = 0): void {
    bytes.writeUInt32BE(this.#count, from);
    bytes.writeUInt16BE(this.#sensors.length, from + 4);
    bytes.writeUInt16BE(0, from + 6);
    let at = from + blockHeaderBytes;
    for (const name of this.#sensors) {
      const length = bytes.write(name, at + 2);
      bytes.writeUInt16BE(length, at);
      at += 2 + length;
    }
    this.#bytes.copy(bytes, at, this.#start, this.#end);
  }

  /** Reads a block that ends where the bytes end; it shares their memory. Throws RangeError when anything about it is wrong. */
  static decode(bytes: Buffer, from = 0): ReadingBlock {
    if (bytes.length - from < blockHeaderBytes) throw new RangeError("a block of readings is cut short");
    const block = new ReadingBlock();
    block.#count = bytes.readUInt32BE(from);
    const names = bytes.readUInt16BE(from + 4);
    if (bytes.readUInt16BE(from + 6) !== 0) throw new RangeError("the reserved bytes of a block must be zero");
    let at = from + blockHeaderBytes;
    for (let i = 0; i < names; i++) {
      if (bytes.length - at < 2) throw new RangeError("a block of readings is cut short");
      const length = bytes.readUInt16BE(at);
      block.#sensors.push(readLabel(bytes, at + 2, length));
      at += 2 + length;
    }
    block.#bytes = bytes;
    block.#start = at;
    block.#end = bytes.length;
    block.#check();
    return block;
  }

  #check(): void {
    const [bytes, sensors, end] = [this.#bytes, this.#sensors.length, this.#end];
    if (this.#count === 0) throw new RangeError("a block must hold a reading");
    let at = this.#start;
    for (let i = 0; i < this.#count; i++) {
      if (end - at < entryHeaderBytes) throw new RangeError("a block holds fewer readings than it says");
      const length = bytes.readUInt32BE(at + 8);
      if (bytes.readUInt16BE(at) >= sensors) throw new RangeError("a reading is of a sensor without a name");
      if (!isReadingTime(bytes.readIntBE(at + 2, 6))) throw new RangeError(wrongTime);
      at += entryHeaderBytes + length;
      if (length === 0 || at > end) throw new RangeError("the value of a reading is cut short");
    }
    if (at !== end) throw new RangeError("a block holds more than its readings");
  }

  #indexOf(sensor: string): number {
    this.#indexes ??= new Map(this.#sensors.map((name, index) => [name, index]));
    const known = this.#indexes.get(sensor);
    if (known !== undefined) return known;
    if (sensor.length < 1 || sensor.length > maxLabelLength) throw new RangeError("a sensor's name has 1 to 200 characters");
    const index = this.#sensors.length;
    if (index === maxSensors) throw new RangeError(`a block holds readings of at most ${maxSensors} sensors`);
    this.#sensors.push(sensor);
    this.#indexes.set(sensor, index);
    return index;
  }

  #reserve(size: number): void {
    const needed = this.#end + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(512, needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** Readings as a block; values are JSON. Throws RangeError as `add` does. */
export function packReadings(readings: Iterable<{ sensor: string; atMs: number; value: string | Buffer }>): ReadingBlock {
  const block = new ReadingBlock();
  for (const { sensor, atMs, value } of readings) block.add(sensor, atMs, value);
  return block;
}

/** Bytes that `writeBatch` writes. */
export function batchBytes({ stream, readings, origin }: HubBatch): number {
  const labels = Buffer.byteLength(stream) + Buffer.byteLength(origin?.tenant ?? "") + Buffer.byteLength(origin?.instance ?? "");
  return batchHeaderBytes + labels + readings.encodedBytes;
}

/** Writes the payload of a `batch` frame into `bytes`. */
export function writeBatch({ stream, first, readings, origin }: HubBatch, bytes: Buffer, from = 0): void {
  bytes.writeUInt32BE(Math.floor(first / 2 ** 32), from);
  bytes.writeUInt32BE(first % 2 ** 32, from + 4);
  bytes.writeUInt8(origin ? originRoles.indexOf(origin.role) + 1 : 0, from + 8);
  bytes.writeUInt8(0, from + 9);
  let at = from + batchHeaderBytes;
  for (const [index, label] of [stream, origin?.tenant ?? "", origin?.instance ?? ""].entries()) {
    const length = bytes.write(label, at);
    bytes.writeUInt16BE(length, from + 10 + index * 2);
    at += length;
  }
  readings.write(bytes, at);
}

/** The payload of a `batch` frame. */
export function encodeBatch(batch: HubBatch): Buffer {
  const bytes = Buffer.allocUnsafe(batchBytes(batch));
  writeBatch(batch, bytes);
  return bytes;
}

/** Reads the payload of a `batch` frame; the readings share its memory. Throws RangeError when anything about it is wrong. */
export function decodeBatch(bytes: Buffer): HubBatch {
  if (bytes.length < batchHeaderBytes) throw new RangeError("a batch is cut short");
  const first = bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
  const role = bytes.readUInt8(8);
  if (bytes.readUInt8(9) !== 0) throw new RangeError("the reserved byte of a batch must be zero");
  const [streamBytes, tenantBytes, instanceBytes] = [bytes.readUInt16BE(10), bytes.readUInt16BE(12), bytes.readUInt16BE(14)];
  const tenantAt = batchHeaderBytes + streamBytes;
  const instanceAt = tenantAt + tenantBytes;
  const stream = readLabel(bytes, batchHeaderBytes, streamBytes);
  const readings = ReadingBlock.decode(bytes, instanceAt + instanceBytes);
  if (first < 1 || first + readings.count > Number.MAX_SAFE_INTEGER) throw new RangeError("readings are numbered from 1");
  if (role === 0) {
    if (tenantBytes + instanceBytes > 0) throw new RangeError("a batch names an origin without a role");
    return { stream, first, readings };
  }
  const named = originRoles[role - 1];
  if (!named) throw new RangeError(`readings of role ${role} are not known here`);
  const tenant = readLabel(bytes, tenantAt, tenantBytes);
  return { stream, first, readings, origin: { role: named, tenant, instance: readLabel(bytes, instanceAt, instanceBytes) } };
}

function readLabel(bytes: Buffer, at: number, length: number): string {
  const part = bytes.subarray(at, at + length);
  const label = part.toString();
  if (part.length !== length || !isUtf8(part)) throw new RangeError("a name is cut short or is not UTF-8");
  if (label.length < 1 || label.length > maxLabelLength) throw new RangeError("a name has 1 to 200 characters");
  return label;
}
