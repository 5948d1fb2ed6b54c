import { ArchiveEntries, FileContent, type FileSum } from "./entries.ts";
import type { Keyring } from "./keyring.ts";
import { type Manifest, type ManifestFile, manifestSchema } from "./manifest.ts";
import { ArchiveDamaged, openSealed } from "./sealed-stream.ts";

export { ArchiveDamaged, findSealingKey, reseal } from "./sealed-stream.ts";

/** One file of an archive, in the order in which they were packed. */
export type FileInArchive = { part: string; name: string };

export type ReadOptions = {
  content: AsyncIterable<Uint8Array>;
  keyring: Keyring;
  /**
   * Called for every file. It reads the content to its end and answers "read", or answers "skip" without reading it. What it
   * throws ends the reading and is thrown on. The content throws ArchiveDamaged where the part failed when it was packed.
   */
  onFile?: (file: FileInArchive, content: AsyncIterable<Uint8Array>) => Promise<"read" | "skip">;
  /** Plain bytes read so far, over all parts. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
};

const maxManifestBytes = 64 * 1024 * 1024;
const mostDifferences = 5;

/**
 * Reads an archive from its beginning to its end, and holds every file's size and SHA-256 against the manifest, skipped ones too.
 * Only when it resolves, all of it was as it was written: what onFile made of a file counts only then. Throws ArchiveDamaged,
 * what the content threw, or the signal's reason.
 */
export async function readArchive({ content, keyring, onFile, onProgress, signal }: ReadOptions): Promise<Manifest> {
  let bytesSoFar = 0;
  const entries = new ArchiveEntries(openSealed(content, keyring, signal), (bytes) => {
    bytesSoFar += bytes;
    onProgress?.(bytesSoFar);
  });
  const sums: FileSum[] = [];
  try {
    for (let entry = await entries.peek(); entry !== null && entry.kind !== "manifest"; entry = await entries.peek()) {
      if (entry.kind === "failed") {
        while ((await entries.read()) !== null);
        continue;
      }
      const file = new FileContent(entries, entry.part, entry.file);
      await onFile?.({ part: entry.part, name: entry.file }, file);
      sums.push(await file.finish());
    }
    const manifest = await readManifest(entries);
    compare(manifest, sums);
    return manifest;
  } catch (error) {
    throw entries.failure ? entries.failure.cause : error;
  } finally {
    await entries.close();
  }
}

async function readManifest(entries: ArchiveEntries): Promise<Manifest> {
  if ((await entries.peek()) === null) throw new ArchiveDamaged("It ends without its manifest: it was never finished.");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = await entries.read(); chunk !== null; chunk = await entries.read()) {
    bytes += chunk.byteLength;
    if (bytes > maxManifestBytes) throw new ArchiveDamaged("Its manifest is larger than any that Switchyard writes.");
    chunks.push(chunk);
  }
  const manifest = manifestSchema.safeParse(readJson(Buffer.concat(chunks).toString()));
  if (!manifest.success)
    throw new ArchiveDamaged("Its manifest has another form than switchyard-backup/1.", { cause: manifest.error });
  if ((await entries.peek()) !== null) throw new ArchiveDamaged("It goes on after its manifest.");
  return manifest.data;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function compare(manifest: Manifest, sums: FileSum[]): void {
  const saved = manifest.parts.filter(({ error }) => error === null);
  const wanted = new Map<string, ManifestFile>(
    saved.flatMap((part) => part.files.map((file) => [`${part.name}/${file.name}`, file] as const)),
  );
  const differences: string[] = [];
  for (const { part, name, bytes, sha256 } of sums) {
    if (!saved.some((other) => other.name === part)) continue;
    const path = `${part}/${name}`;
    const file = wanted.get(path);
    wanted.delete(path);
    if (!file) differences.push(`${path} is not in its manifest, or is there twice`);
    else if (file.bytes !== bytes) differences.push(`${path} has ${bytes} bytes instead of ${file.bytes}`);
    else if (file.sha256 !== sha256) differences.push(`${path} has another SHA-256 than its manifest`);
  }
  for (const path of wanted.keys()) differences.push(`${path} is missing`);
  if (differences.length === 0) return;
  const more = differences.length > mostDifferences ? `; and ${differences.length - mostDifferences} more` : "";
  throw new ArchiveDamaged(`It is not what was saved: ${differences.slice(0, mostDifferences).join("; ")}${more}.`);
}
