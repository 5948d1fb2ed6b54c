import type { Keyring } from "./keyring.ts";
import type { Manifest } from "./manifest.ts";

/** An archive that is not what was written: cut, changed, sealed for another key. The message says which and where. */
export class ArchiveDamaged extends Error {
  override readonly name = "ArchiveDamaged";
}

/** One file of an archive, in the order in which they were packed. */
export type FileInArchive = { part: string; name: string };

export type ReadOptions = {
  content: AsyncIterable<Uint8Array>;
  keyring: Keyring;
  /**
   * Called for every file. It reads the content to its end and answers "read", or answers "skip" without reading it. What it throws ends the reading
   * and is thrown on. The content throws ArchiveDamaged where the part failed when it was packed.
   */
  onFile?: (file: FileInArchive, content: AsyncIterable<Uint8Array>) => Promise<"read" | "skip">;
  /** Plain bytes read so far, over all parts. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
};

/**
 * Reads an archive from its beginning to its end, and holds every file's size and SHA-256 against the manifest, skipped ones too.
 * Only when it resolves, all of it was as it was written: what onFile made of a file counts only then. Throws ArchiveDamaged.
 */
export declare function readArchive(options: ReadOptions): Promise<Manifest>;

/** Seals an archive of an older key with the present one, without looking into it; its content stays the same to the byte. */
export declare function reseal(content: AsyncIterable<Uint8Array>, keyring: Keyring): AsyncIterable<Uint8Array>;
