import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKey } from "#lib/domain/recovery/archive/keyring.ts";

/** The secrets that an installation on this machine makes for itself at its first start. */
export type Secrets = {
  databasePassword: string;
  authSecret: string;
  discoveryToken: string;
  encryptionKey: string;
  alertSecret: string;
  /** Opens the backups: whoever loses it loses them. */
  backupKey: string;
};

/** Reads `<dataDir>/secrets.json`, made at the first start and readable by its owner only. */
export async function readOrMakeSecrets(dataDir: string): Promise<Secrets> {
  const file = join(dataDir, "secrets.json");
  const stored: Partial<Secrets> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const secrets: Secrets = {
    databasePassword: randomBytes(24).toString("base64url"),
    authSecret: randomBytes(32).toString("base64url"),
    discoveryToken: `swy_${randomBytes(32).toString("base64url")}`,
    encryptionKey: randomBytes(32).toString("base64url"),
    alertSecret: `swa_${randomBytes(32).toString("base64url")}`,
    backupKey: await generateKey(),
    ...stored,
  };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
