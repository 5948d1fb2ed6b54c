import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Backup } from "#lib/database/generated/client.ts";
import { DomainError } from "../../errors.ts";
import type { Manifest } from "../archive/manifest.ts";
import { type ReadOptions, readArchive } from "../archive/open.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { findManifest, isAboutArchive, requireKey } from "./archives.ts";
import { Examination } from "./examine.ts";
import type { ProofLevel } from "./schemas.ts";
import { backupName } from "./states.ts";

/** What was found of an archive. `manifest` is null when it could not be read; the sum is of what the storage gave. */
export type Verification = { manifest: Manifest | null; bytes: number; sha256: string; checks: RecoveryCheck[] };

type Options = { level: ProofLevel; signal: AbortSignal; onProgress?: (bytes: number) => void };

/**
 * Reads a backup's archive back from the storage to its end and holds it against what was written: its size and SHA-256, that it opens,
 * every file in it, and whether the dumps can be read (level "checksums") or restored into scratch servers that answer as the saved ones
 * did ("restored"). A fault of the archive is a check that did not pass. Throws when it cannot be known: the storage does not answer, or
 * a program is missing.
 */
export async function verifyArchive(
  context: RecoveryContext,
  backup: Backup,
  { level, signal, onProgress }: Options,
): Promise<Verification> {
  const key = requireKey(context, backup);
  requireOpener(context, backup);
  const object = await context.storage.find(key);
  if (object === null) {
    const found = `nothing at ${key} in ${context.storage.name}`;
    return { manifest: null, bytes: 0, sha256: "", checks: [{ name: "Archive", wanted: "there", found, passed: false }] };
  }
  // The facts that the dumps are held against stand at the archive's end: where no copy of them is known it is read twice.
  const read = (options: Pick<ReadOptions, "onFile" | "onProgress">) => readTapped(context, key, { ...options, signal });
  const known = await findManifest(context, backup);
  const first = known === null ? await read({}) : null;
  if (first?.damage) return { manifest: null, ...first.sum, checks: compareSum(backup, first) };
  const manifest = known ?? first?.manifest ?? null;
  const examination = new Examination(context, manifest, { level, signal });
  const last = await read({ onFile: (file, content) => examination.examine(file, content), onProgress });
  const checks = [...compareSum(backup, last), ...compareManifest(manifest, last.manifest), ...(await examination.finish())];
  return { manifest: last.manifest, ...last.sum, checks };
}

/** A key that was taken away says nothing of the archive: retention must not let go of it as a damaged one. */
function requireOpener({ keyring }: RecoveryContext, backup: Backup): void {
  if (backup.keyId === null || keyring.keyIds.includes(backup.keyId)) return;
  throw new DomainError(
    "precondition-failed",
    `${backupName(backup)} is sealed by ${backup.keyId}, which is none of the keys any more: put its key behind the present one.`,
  );
}

type Tapped = { manifest: Manifest | null; damage: Error | null; sum: { bytes: number; sha256: string } };

async function readTapped(
  { storage, keyring }: RecoveryContext,
  key: string,
  options: Pick<ReadOptions, "onFile" | "onProgress"> & { signal: AbortSignal },
): Promise<Tapped> {
  const hash = createHash("sha256");
  let bytes = 0;
  async function* tapped() {
    for await (const chunk of await storage.get(key, options.signal)) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  const result = await readArchive({ ...options, content: tapped(), keyring }).then(
    (manifest) => ({ manifest, damage: null }),
    (error: unknown) => {
      if (isAboutArchive(error)) return { manifest: null, damage: error };
      throw error;
    },
  );
  return { ...result, sum: { bytes, sha256: hash.digest("hex") } };
}

function compareSum(backup: Pick<Backup, "bytes" | "sha256">, { damage, sum }: Tapped): RecoveryCheck[] {
  const opened: RecoveryCheck = {
    name: "Archive",
    wanted: "opens, and every file has its size and SHA-256",
    found: damage?.message ?? "as wanted",
    passed: damage === null,
  };
  if (damage !== null || backup.sha256 === null) return [opened];
  const wanted = `${backup.bytes} bytes, ${backup.sha256}`;
  const found = `${sum.bytes} bytes, ${sum.sha256}`;
  return [{ name: "SHA-256 of the archive", wanted, found, passed: wanted === found }, opened];
}

/** What was restored or listed was asked with the known manifest: the archive's own has to be the same. */
function compareManifest(known: Manifest | null, own: Manifest | null): RecoveryCheck[] {
  if (known === null || own === null) return [];
  const passed = isDeepStrictEqual(known, own);
  const found = passed ? "the same" : `that of ${own.subject} of ${own.takenAt}, with other content`;
  return [{ name: "Manifest", wanted: "the same inside the archive and in the catalogue", found, passed }];
}
