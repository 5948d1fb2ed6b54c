import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Keyring, parseKeyring } from "#lib/domain/recovery/archive/keyring.ts";
import { EnvError, envValue, exitConfig } from "#lib/runtime/env.ts";
import { openStorage } from "#lib/storage/open-storage.ts";
import { parseStorageUrl } from "#lib/storage/settings.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";

/** The variables that say where backups are and what opens them, for the controller and for `npm run recover`. */
export const recoveryVariables = {
  SWITCHYARD_BACKUP_STORAGE: z
    .string("wants file:///directory, or s3://bucket/prefix?endpoint=...&region=...")
    .superRefine((text, context) => {
      try {
        parseStorageUrl(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
      }
    }),
  /** For a storage that asks who it is; else those of the machine. */
  SWITCHYARD_BACKUP_ACCESS_KEY_ID: z.string().optional(),
  SWITCHYARD_BACKUP_SECRET_ACCESS_KEY: z.string().optional(),
  /** The present key seals, and all of them open. */
  SWITCHYARD_BACKUP_KEYS: z.string("wants AGE-SECRET-KEY-1..., the present one first, then older ones, parted by commas"),
  /** For what is only needed for a while: dumps and scratch servers. */
  SWITCHYARD_WORK_DIR: envValue.text().default(join(tmpdir(), "switchyard")),
};

type Variables = {
  SWITCHYARD_BACKUP_STORAGE: string;
  SWITCHYARD_BACKUP_ACCESS_KEY_ID?: string | undefined;
  SWITCHYARD_BACKUP_SECRET_ACCESS_KEY?: string | undefined;
  SWITCHYARD_BACKUP_KEYS: string;
  SWITCHYARD_WORK_DIR: string;
};

/** The storage and the keys of these variables. Throws EnvError for keys that are none. */
export async function openRecovery(env: Variables): Promise<{ storage: ObjectStorage; keyring: Keyring; workDir: string }> {
  const { SWITCHYARD_BACKUP_ACCESS_KEY_ID: accessKeyId, SWITCHYARD_BACKUP_SECRET_ACCESS_KEY: secretAccessKey } = env;
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null;
  const keyring = await parseKeyring(env.SWITCHYARD_BACKUP_KEYS).catch((error: Error) => {
    throw new EnvError(`SWITCHYARD_BACKUP_KEYS: got a value (not shown); ${error.message}`);
  });
  const storage = openStorage(parseStorageUrl(env.SWITCHYARD_BACKUP_STORAGE, credentials));
  return { storage, keyring, workDir: env.SWITCHYARD_WORK_DIR };
}

/** As openRecovery; bad keys end the process with exit code 78 and a line that names them. */
export async function openRecoveryOrExit(env: Variables): ReturnType<typeof openRecovery> {
  try {
    return await openRecovery(env);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}
