import type { Keyring } from "./keyring.ts";
import type { Json, Manifest } from "./manifest.ts";

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
  /** Begins to read; a rejection is recorded as the part's error. */
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

/**
 * Makes one archive of the parts in one pass with bounded memory. A part that fails is recorded with its error, and the others go
 * on; when all of them fail, or the signal aborts, the stream throws and `manifest` rejects.
 */
export declare function packArchive(options: PackOptions): PackedArchive;
