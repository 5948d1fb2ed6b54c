import { crc32 } from "node:zlib";

/*
 * One frame, big-endian:
 *   0 magic "SY"   2 version   3 type   4 flags (16 bits)   6 reserved, zero (16 bits)
 *   8 id (32 bits)   12 payload length (32 bits)   16 CRC-32 of bytes 0-15 and the payload   20 payload
 */

/** Bytes of a frame before its payload. */
export const frameHeaderBytes = 20;

/** The version that this codec writes and reads; frames of another one are refused. */
export const frameVersion = 1;

/** Flag bits: `reply` answers the frame of the same id that the other side sent; `more` says that further replies follow. */
export const frameFlags = { reply: 1, more: 2 } as const;

/** A frame on the wire: what it is (`type`, 0-255), its flag bits, the request it belongs to (`id`, 32 bits), and its payload. */
export type Frame = { type: number; flags: number; id: number; payload: Buffer };

export type FrameErrorCode = "bad_magic" | "bad_version" | "bad_reserved" | "too_long" | "bad_checksum";

/** Bytes that are no frame. The stream cannot be read on after it: close the connection. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const magic = 0x5359;

/** A payload of this length or less is read into memory of exactly its size; for a longer one memory grows as it comes. */
const exactPayloadBytes = 512 * 1024;

/** One frame as bytes, ready to be written at once. */
export function encodeFrame({ payload, ...head }: Omit<Frame, "payload"> & { payload: Buffer | string }): Buffer {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + length);
  if (typeof payload === "string") bytes.write(payload, frameHeaderBytes);
  else payload.copy(bytes, frameHeaderBytes);
  return sealFrame(bytes, head);
}

/** Makes a frame of bytes that hold the payload after `frameHeaderBytes` that are free. */
export function sealFrame(bytes: Buffer, frame: Omit<Frame, "payload">): Buffer {
  bytes.writeUInt16BE(magic, 0);
  bytes.writeUInt8(frameVersion, 2);
  bytes.writeUInt8(frame.type, 3);
  bytes.writeUInt16BE(frame.flags, 4);
  bytes.writeUInt16BE(0, 6);
  bytes.writeUInt32BE(frame.id, 8);
  bytes.writeUInt32BE(bytes.length - frameHeaderBytes, 12);
  bytes.writeUInt32BE(checksum(bytes), 16);
  return bytes;
}

/**
 * Cuts a stream of bytes into frames, however the bytes arrive. It holds at most one unfinished frame, which is refused by its
 * header when its payload is longer than `maxPayloadBytes`.
 */
export class FrameDecoder {
  /** May be raised or lowered between frames, e.g. once the peer is known. */
  maxPayloadBytes: number;
  #pending: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(maxPayloadBytes: number) {
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /** Bytes held of the unfinished frame: never more than the header and `maxPayloadBytes`. */
  get bufferedBytes(): number {
    return this.#used;
  }

  /** Takes the next bytes and calls `onFrame` for every frame that they complete. Throws FrameError. */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let at = this.#used > 0 ? this.#finishPending(chunk, onFrame) : 0;
    while (chunk.length - at >= frameHeaderBytes) {
      const size = this.#frameSize(chunk, at);
      if (chunk.length - at < size) break;
      onFrame(readFrame(chunk.subarray(at, at + size)));
      at += size;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Completes the unfinished frame from the chunk and returns how many of its bytes that took. */
  #finishPending(chunk: Buffer, onFrame: (frame: Frame) => void): number {
    let at = 0;
    for (;;) {
      const size = this.#used < frameHeaderBytes ? frameHeaderBytes : this.#frameSize(this.#pending, 0);
      const take = Math.min(size - this.#used, chunk.length - at);
      this.#hold(chunk, at, at + take);
      at += take;
      if (this.#used < size) return at;
      if (size > frameHeaderBytes || this.#frameSize(this.#pending, 0) === size) {
        const bytes = this.#pending.subarray(0, size);
        this.#pending = Buffer.alloc(0);
        this.#used = 0;
        onFrame(readFrame(bytes));
        return at;
      }
    }
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const needed = this.#used + to - from;
    if (needed > this.#pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#roomFor(chunk, from, to)));
      this.#pending.copy(grown, 0, 0, this.#used);
      this.#pending = grown;
    }
    chunk.copy(this.#pending, this.#used, from, to);
    this.#used = needed;
  }

  /** How much to reserve for the unfinished frame: all of it once its header tells, if it is not very long. */
  #roomFor(chunk: Buffer, from: number, to: number): number {
    const hasHeader = this.#used >= frameHeaderBytes || (this.#used === 0 && to - from >= frameHeaderBytes);
    if (!hasHeader) return frameHeaderBytes;
    const size = this.#used > 0 ? this.#frameSize(this.#pending, 0) : this.#frameSize(chunk, from);
    return Math.min(size, Math.max(frameHeaderBytes + exactPayloadBytes, this.#pending.length * 2));
  }

  #frameSize(bytes: Buffer, at: number): number {
    if (bytes.readUInt16BE(at) !== magic) throw new FrameError("bad_magic", "these bytes are not a frame");
    const version = bytes.readUInt8(at + 2);
    if (version !== frameVersion) throw new FrameError("bad_version", `frame version ${version} is not spoken here`);
    if (bytes.readUInt16BE(at + 6) !== 0) throw new FrameError("bad_reserved", "the reserved bytes of a frame must be zero");
    const length = bytes.readUInt32BE(at + 12);
    if (length > this.maxPayloadBytes) {
      throw new FrameError("too_long", `a payload of ${length} bytes is longer than the ${this.maxPayloadBytes} allowed`);
    }
    return frameHeaderBytes + length;
  }
}

function readFrame(bytes: Buffer): Frame {
  if (bytes.readUInt32BE(16) !== checksum(bytes)) throw new FrameError("bad_checksum", "the checksum of a frame does not match");
  return {
    type: bytes.readUInt8(3),
    flags: bytes.readUInt16BE(4),
    id: bytes.readUInt32BE(8),
    payload: bytes.subarray(frameHeaderBytes),
  };
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(frameHeaderBytes), crc32(bytes.subarray(0, 16)));
}
