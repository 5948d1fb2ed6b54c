import type { Keyring } from "./keyring.ts";
import type { Json, Manifest } from "./manifest.ts";
import { type ArchiveFile, type PackOptions, type PartSource, packArchive } from "./pack.ts";

/** What tests of archives pack. */
export const exampleAbout: PackOptions["about"] = {
  id: "0190b5a2-0000-7000-8000-000000000001",
  number: 7,
  subject: "fleet/relay",
  purpose: "requested",
  reason: "before the migration",
  requestedBy: "Ada",
  contents: { objects: true },
  startedAt: "2026-03-01T10:00:00.000Z",
  versions: [{ name: "switchyard", version: "0.1.0" }],
};

export const exampleNow = () => new Date("2026-03-01T10:00:01.000Z");

/** A part of these files; strings and bytes as they are, functions as streams. */
export function examplePart(
  name: string,
  files: Record<string, string | Uint8Array | (() => AsyncIterable<Uint8Array>)>,
  { facts = { rows: 3 }, onClose = () => undefined }: { facts?: Json; onClose?: () => void } = {},
): PartSource {
  const archiveFiles = Object.entries(files).map(
    ([fileName, content]): ArchiveFile => ({
      name: fileName,
      open:
        typeof content === "function" ? content : () => streamOf(typeof content === "string" ? Buffer.from(content) : content),
    }),
  );
  return {
    name,
    title: `The ${name}`,
    open: async () => ({ files: archiveFiles, facts: async () => facts, close: async () => onClose() }),
  };
}

/** Bytes in chunks of no even size. */
export async function* streamOf(bytes: Uint8Array, chunkBytes = 65_521): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** All of a stream. */
export async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Pseudo-random bytes, the same ones for the same seed. */
export async function* pseudoRandomBytes(total: number, seed: number, chunkBytes = 256 * 1024): AsyncGenerator<Uint8Array> {
  let state = seed;
  for (let left = total; left > 0; left -= chunkBytes) {
    const chunk = new Uint32Array(chunkBytes / 4);
    for (let index = 0; index < chunk.length; index += 1) {
      state = nextRandom(state);
      chunk[index] = state;
    }
    yield new Uint8Array(chunk.buffer, 0, Math.min(left, chunkBytes));
  }
}

/** Pseudo-random numbers of 32 bits, one after another: xorshift32. */
export function nextRandom(state: number): number {
  let next = state | 0 || 1;
  next ^= next << 13;
  next ^= next >>> 17;
  next ^= next << 5;
  return next >>> 0;
}

/** An archive of these parts, sealed with the keyring's first key. */
export async function packExample(parts: PartSource[], keyring: Keyring): Promise<{ sealed: Buffer; manifest: Manifest }> {
  const packed = packArchive({ about: exampleAbout, parts, keyring, now: exampleNow });
  const sealed = await bytesOf(packed.content);
  return { sealed, manifest: await packed.manifest };
}
