import { z } from "zod";

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const bytesSchema = z.int().min(0);

const fileSchema = z.object({ name: z.string(), bytes: bytesSchema, sha256: sha256Schema });

const partSchema = z.object({
  name: z.string(),
  title: z.string(),
  /** Why it could not be saved; it has no files then. */
  error: z.string().nullable(),
  /** What the source answered when it was read, to be asked again of what is restored. In its own form. */
  facts: z.json(),
  files: z.array(fileSchema),
});

/** The last entry of an archive, manifest.json: without it an archive is not whole. It holds no secret: a copy lies beside it. */
export const manifestSchema = z.object({
  format: z.literal("switchyard-backup/1"),
  id: z.string(),
  number: z.int(),
  subject: z.string(),
  purpose: z.string(),
  reason: z.string(),
  requestedBy: z.string(),
  /** What was asked for (backups/schemas.ts): names of Secrets and their keys, never values. */
  contents: z.json(),
  startedAt: z.iso.datetime(),
  /** Everything in it is as of this instant, or later. */
  takenAt: z.iso.datetime(),
  versions: z.array(z.object({ name: z.string(), version: z.string() })),
  parts: z.array(partSchema),
});
export type Manifest = z.output<typeof manifestSchema>;
export type ManifestPart = Manifest["parts"][number];
export type ManifestFile = ManifestPart["files"][number];

/** What a part may tell about itself. */
export type Json = z.output<ReturnType<typeof z.json>>;

/** What lies in plain text beside an archive, so that the catalogue can be found again from the storage alone. */
export const companionSchema = z.object({
  archive: z.object({ bytes: bytesSchema, sha256: sha256Schema, keyId: z.string() }),
  manifest: manifestSchema,
});
export type Companion = z.output<typeof companionSchema>;

const companionEnding = ".manifest.json";

/** Where the companion of an archive lies: "a/b.tar.age" and "a/b.tar.age.manifest.json". */
export function companionKey(archiveKey: string): string {
  return `${archiveKey}${companionEnding}`;
}

/** The archive that a key is the companion of; null when it is none. */
export function archiveOfCompanion(key: string): string | null {
  return key.endsWith(companionEnding) ? key.slice(0, -companionEnding.length) : null;
}
