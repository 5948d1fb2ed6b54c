import { mkdir, open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { readArchive } from "#lib/domain/recovery/archive/open.ts";
import { chooseArchive, type FoundArchive, listArchives, recoverDatabase } from "#lib/domain/recovery/restores/recover.ts";
import type { RecoveryCheck } from "#lib/domain/recovery/schemas.ts";
import { parseEnvOrExit } from "#lib/runtime/env.ts";
import { openStorage } from "#lib/storage/open-storage.ts";
import { parseStorageUrl } from "#lib/storage/settings.ts";
import { openRecoveryOrExit, recoveryVariables } from "./recovery-env.ts";

/**
 * For the loss of the control plane: lists what the storage holds and restores it, without Switchyard's database and without a cluster.
 * SWITCHYARD_BACKUP_STORAGE says where backups are; restoring needs SWITCHYARD_BACKUP_KEYS, too.
 */

const usage = `npm run recover -- list [SUBJECT]                      what the storage holds, the newest first
npm run recover -- restore ID --into DATABASE_URL      over a PostgreSQL; the former database is kept beside it
npm run recover -- unpack ID --into FOLDER             every file of the archive, secrets included, as plain files

ID is a backup's id, its first characters, or its number. SUBJECT is NAMESPACE/NAME, or switchyard.
SWITCHYARD_BACKUP_STORAGE names the storage; restore and unpack need SWITCHYARD_BACKUP_KEYS.
`;

const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => abort.abort(new Error("Stopped.")));

try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { into: { type: "string" } } });
  const [verb, what] = positionals;
  if (verb === "list") await list(what);
  else if (verb === "restore" && what && values.into) await restore(what, values.into);
  else if (verb === "unpack" && what && values.into) await unpack(what, resolve(values.into));
  else fail(usage);
} catch (error) {
  fail(`${(error as Error).message}\n`);
}

async function list(subject: string | undefined): Promise<void> {
  const {
    SWITCHYARD_BACKUP_ACCESS_KEY_ID: accessKeyId,
    SWITCHYARD_BACKUP_SECRET_ACCESS_KEY: secretAccessKey,
    ...env
  } = parseEnvOrExit(z.object(recoveryVariables).omit({ SWITCHYARD_BACKUP_KEYS: true }));
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null;
  const storage = openStorage(parseStorageUrl(env.SWITCHYARD_BACKUP_STORAGE, credentials));
  const archives = (await listArchives(storage)).filter(({ manifest }) => !subject || manifest.subject === subject);
  if (archives.length === 0) return say(`${storage.name} holds no backup${subject ? ` of ${subject}` : ""}.`);
  for (const one of archives) say(describe(one));
}

function describe({ archive, manifest }: FoundArchive): string {
  const parts = manifest.parts.map(({ name, error }) => (error === null ? name : `${name} (missing)`)).join(", ");
  const size = `${(archive.bytes / 1e6).toFixed(1)} MB`;
  return `${manifest.id}  ${String(manifest.number).padStart(5)}  ${manifest.takenAt}  ${size.padStart(10)}  ${manifest.subject}: ${parts}`;
}

async function openAll(what: string) {
  const recovery = await openRecoveryOrExit(parseEnvOrExit(z.object(recoveryVariables)));
  return { ...recovery, archive: chooseArchive(await listArchives(recovery.storage), what) };
}

async function restore(what: string, url: string): Promise<void> {
  const { storage, keyring, archive } = await openAll(what);
  say(describe(archive));
  const started = performance.now();
  const { checks, how } = await recoverDatabase({
    storage,
    keyring,
    archive,
    into: { url },
    signal: abort.signal,
    onProgress: (message) => say(`${message} ...`),
  });
  say(how.message);
  for (const check of checks.filter(({ passed }) => !passed)) say(describeCheck(check));
  const failed = checks.filter(({ passed }) => !passed).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`${checks.length - failed} of ${checks.length} answers are those of the backup. It took ${seconds} s.`);
  if (failed > 0) process.exitCode = 1;
}

function describeCheck({ name, wanted, found }: RecoveryCheck): string {
  return `${name}: ${wanted} wanted, ${found} found`;
}

async function unpack(what: string, folder: string): Promise<void> {
  const { storage, keyring, archive } = await openAll(what);
  let count = 0;
  await readArchive({
    content: await storage.get(archive.key, abort.signal),
    keyring,
    signal: abort.signal,
    onFile: async ({ part, name }, content) => {
      const path = join(folder, part, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(path, "wx", 0o600);
      try {
        for await (const piece of content) await file.writeFile(piece);
      } finally {
        await file.close();
      }
      count += 1;
      return "read";
    },
  });
  say(`${count} files are in ${folder}. They hold secrets in plain text: remove them when they are not needed.`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(message: string): never {
  process.stderr.write(message);
  process.exit(1);
}
