import { createHash } from "node:crypto";
import { type Pack, pack } from "tar-stream";
import { z } from "zod";
import { checkFileName, checkPartName, failedEntry, manifestEntry, pieceBytes, pieceEntry } from "./form.ts";
import type { Keyring } from "./keyring.ts";
import { type Json, type Manifest, type ManifestFile, type ManifestPart, manifestSchema } from "./manifest.ts";

/** Names are segments of letters, digits, ".", "_" and "-", parted by "/"; "relay.dump", "deployment/relay.yaml". */
export type ArchiveFile = {
  name: string;
  /** Asked once, when its turn comes, and read to its end at the storage's pace. Throws when it could not be read wholly. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
};

/** A part that is being read. Its files are read one after another; then it is asked for its facts; it is closed in any case. */
export type ArchivePart = {
  files: Iterable<ArchiveFile> | AsyncIterable<ArchiveFile>;
  /** Asked after the files were read; what to ask again of what is restored. No secrets: they lie in plain text beside. */
  facts(): Promise<Json>;
  /** Called once whatever happened. */
  close(): Promise<void>;
};

/** One thing to save: what every file of `sources/` exports. */
export type PartSource = {
  /** A segment: "postgres". */
  name: string;
  /** For people: "PostgreSQL relay". */
  title: string;
  /** Begins to read; a rejection is recorded as the part's error. It and all that it opens end soon after the signal's abort. */
  open(signal: AbortSignal): Promise<ArchivePart>;
};

export type PackOptions = {
  about: Omit<Manifest, "format" | "takenAt" | "parts">;
  parts: PartSource[];
  keyring: Keyring;
  now: () => Date;
  /** Bytes of a part so far, before sealing; called often. */
  onProgress?: (part: string, bytes: number) => void;
  /** A part is done, or has failed with a sentence. */
  onPartEnd?: (part: string, error: string | null) => void;
  signal?: AbortSignal;
};

/** The stream to store, to be read once, and what it holds, known when the stream has been read. */
export type PackedArchive = { content: AsyncIterable<Uint8Array>; manifest: Promise<Manifest> };

type Entry = { name: string; content: Uint8Array };

const maxErrorLength = 2_000;

/**
 * Makes one archive of the parts in one pass with bounded memory. A part that fails is recorded with its error, and the others go
 * on; when all of them fail, or the signal aborts, the stream throws and `manifest` rejects.
 */
export function packArchive(options: PackOptions): PackedArchive {
  const { promise, resolve, reject } = Promise.withResolvers<Manifest>();
  // Who reads the stream learns of it there; nobody has to ask for the manifest, too.
  promise.catch(() => undefined);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;

  async function* content() {
    try {
      yield* options.keyring.seal(
        tarOf(archiveEntries({ ...options, signal, buffers: new PieceBuffers() }, resolve), options.now()),
      );
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      const unread = new Error("The archive was not read to its end.");
      stop.abort(unread);
      reject(unread);
    }
  }
  return { content: content(), manifest: promise };
}

/** A tar of these entries, each of which is in memory once. */
async function* tarOf(entries: AsyncIterable<Entry>, mtime: Date): AsyncGenerator<Uint8Array> {
  // Room for any entry: then the tar's own stream never waits for its reader, which comes after each.
  const tar = pack({ highWaterMark: Number.MAX_SAFE_INTEGER });
  for await (const { name, content } of entries) {
    const { promise, resolve, reject } = Promise.withResolvers<null>();
    const header = { name, size: content.byteLength, mtime, mode: 0o600 };
    const entry = tar.entry(header, (error) => (error ? reject(error) : resolve(null)));
    if (content.byteLength > 0) entry.write(content);
    entry.end(null);
    await promise;
    yield* readyChunks(tar);
  }
  tar.finalize();
  yield* tar as AsyncIterable<Uint8Array>;
}

/** What the tar gives now. It may keep some back for a moment, which comes with what follows. */
function* readyChunks(tar: Pack): Generator<Uint8Array> {
  for (let chunk = tar.read(); chunk !== null; chunk = tar.read()) yield chunk as Uint8Array;
}

type Reading = PackOptions & { signal: AbortSignal; buffers: PieceBuffers };

/**
 * Two buffers in turn, so that nothing that was read is kept for longer than a moment: what lives longer waits for a collection of all
 * memory, and a database that is read quickly would have tens of megabytes waiting. The tar still holds the end of a piece while the
 * next one is filled, and no longer.
 */
class PieceBuffers {
  #filled = Buffer.allocUnsafeSlow(pieceBytes);
  #next = Buffer.allocUnsafeSlow(pieceBytes);

  next(): Buffer {
    [this.#filled, this.#next] = [this.#next, this.#filled];
    return this.#filled;
  }
}

/** Everything that stands in the tar, in its order; `onManifest` is called when its last one was taken. */
async function* archiveEntries(options: Reading, onManifest: (manifest: Manifest) => void): AsyncGenerator<Entry> {
  const takenAt = options.now().toISOString();
  const parts: ManifestPart[] = [];
  for (const source of options.parts) {
    checkPartName(source.name);
    if (parts.some(({ name }) => name === source.name)) throw new Error(`The part ${source.name} is asked for twice.`);
    const part = yield* partEntries(source, options);
    if (part.error !== null) yield entryOf(failedEntry(part.name), part.error);
    parts.push(part);
    options.onPartEnd?.(part.name, part.error);
  }
  if (parts.every(({ error }) => error !== null)) {
    const errors = parts.map(({ title, error }) => `${title}: ${error}`);
    throw new Error(`Nothing could be saved. ${errors.join(" ")}`.trim());
  }
  const manifest = manifestSchema.parse({ ...options.about, format: "switchyard-backup/1", takenAt, parts });
  yield entryOf(manifestEntry, JSON.stringify(manifest, null, 2));
  onManifest(manifest);
}

function entryOf(name: string, text: string): Entry {
  return { name, content: Buffer.from(text) };
}

async function* partEntries(source: PartSource, options: Reading): AsyncGenerator<Entry, ManifestPart> {
  const { name, title } = source;
  const { signal, onProgress } = options;
  const files: ManifestFile[] = [];
  let bytesSoFar = 0;
  let part: ArchivePart | null = null;
  try {
    signal.throwIfAborted();
    part = await source.open(signal);
    for await (const file of part.files) {
      checkFileName(file.name);
      if (files.some((other) => clash(other.name, file.name))) throw new Error(`The file ${file.name} is there twice.`);
      files.push(
        yield* fileEntries(name, file, options, (bytes) => {
          bytesSoFar += bytes;
          onProgress?.(name, bytesSoFar);
        }),
      );
    }
    const facts = z.json().parse(await part.facts());
    return { name, title, error: null, facts, files };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error && error.message !== "" ? error.message : String(error);
    return { name, title, error: message.slice(0, maxErrorLength), facts: null, files: [] };
  } finally {
    await part?.close();
  }
}

/** Whether two files could not lie beside each other when a person unpacks the archive. */
function clash(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

async function* fileEntries(
  part: string,
  file: ArchiveFile,
  { signal, buffers }: Reading,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Entry, ManifestFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  let pieces = 0;
  let piece = buffers.next();
  let filled = 0;
  const entry = (): Entry => ({ name: pieceEntry(part, file.name, pieces), content: piece.subarray(0, filled) });
  for await (const chunk of file.open(signal)) {
    signal.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.byteLength;
    for (let rest = chunk; rest.byteLength > 0; ) {
      const taken = rest.subarray(0, pieceBytes - filled);
      piece.set(taken, filled);
      filled += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (filled === pieceBytes) {
        yield entry();
        pieces += 1;
        piece = buffers.next();
        filled = 0;
      }
    }
    onBytes(chunk.byteLength);
  }
  signal.throwIfAborted();
  if (filled > 0 || pieces === 0) yield entry();
  return { name: file.name, bytes, sha256: hash.digest("hex") };
}
