import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, type Frame, FrameDecoder, FrameError, frameHeaderBytes } from "#lib/protocol/frame.ts";

const limit = 2_000;

const anyFrame = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: limit }).map((bytes) => Buffer.from(bytes)),
});

function decodeAll(decoder: FrameDecoder, chunks: Buffer[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push({ ...frame, payload: Buffer.from(frame.payload) }));
  return frames;
}

function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function codeOf(bytes: Buffer): string | undefined {
  try {
    new FrameDecoder(limit).push(bytes, () => {});
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
}

describe("a frame", () => {
  test("comes out as it went in, however the stream of bytes is cut", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), sizes, (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(encodeFrame));
        expect(decodeAll(new FrameDecoder(limit), cut(bytes, cuts))).toEqual(frames);
      }),
      { numRuns: 500 },
    );
  });

  test("of a text has the text's UTF-8 bytes as payload", () => {
    const [frame] = decodeAll(new FrameDecoder(limit), [encodeFrame({ type: 1, flags: 0, id: 7, payload: "grün ✓" })]);
    expect(frame?.payload.toString()).toBe("grün ✓");
  });

  test("with any one bit turned is refused or still waited for, and never taken for a frame", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), (frame, position) => {
        const bytes = encodeFrame(frame);
        const bit = position % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const decoder = new FrameDecoder(limit);
        try {
          expect(decodeAll(decoder, [bytes])).toEqual([]);
          expect(decoder.bufferedBytes).toBe(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("made of random bytes ends in a FrameError or is waited for", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
        const decoder = new FrameDecoder(limit);
        try {
          decodeAll(
            decoder,
            chunks.map((chunk) => Buffer.from(chunk)),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
        expect(decoder.bufferedBytes).toBeLessThanOrEqual(frameHeaderBytes + limit);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is refused by name for each thing that can be wrong with it", () => {
    const good = () => encodeFrame({ type: 3, flags: 0, id: 1, payload: "x" });
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = good();
      change(bytes);
      return bytes;
    };
    expect(codeOf(good())).toBeUndefined();
    expect(codeOf(changed((bytes) => bytes.writeUInt16BE(0x4745, 0)))).toBe("bad_magic");
    expect(codeOf(changed((bytes) => bytes.writeUInt8(2, 2)))).toBe("bad_version");
    expect(codeOf(changed((bytes) => bytes.writeUInt16BE(1, 6)))).toBe("bad_reserved");
    expect(codeOf(changed((bytes) => bytes.writeUInt32BE(limit + 1, 12)))).toBe("too_long");
    expect(codeOf(changed((bytes) => bytes.write("y", frameHeaderBytes)))).toBe("bad_checksum");
  });
});

describe("the decoder", () => {
  test("refuses a payload over the limit by its header, before it holds any of it", () => {
    const decoder = new FrameDecoder(limit);
    const header = encodeFrame({ type: 1, flags: 0, id: 1, payload: Buffer.alloc(limit + 1) }).subarray(0, frameHeaderBytes);
    decoder.push(header.subarray(0, 19), () => {});
    expect(() => decoder.push(header.subarray(19), () => {})).toThrow(/longer than the 2000 allowed/);
  });

  test("hands out the frames that came before a broken one", () => {
    const bytes = Buffer.concat([encodeFrame({ type: 9, flags: 0, id: 1, payload: "first" }), Buffer.alloc(40)]);
    const types: number[] = [];
    expect(() => new FrameDecoder(limit).push(bytes, (frame) => types.push(frame.type))).toThrow(FrameError);
    expect(types).toEqual([9]);
  });

  test("takes longer payloads once its limit is raised", () => {
    const decoder = new FrameDecoder(10);
    decoder.maxPayloadBytes = limit;
    expect(decodeAll(decoder, [encodeFrame({ type: 1, flags: 0, id: 1, payload: Buffer.alloc(limit) })])).toHaveLength(1);
  });
});
