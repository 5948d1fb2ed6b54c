import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Backup } from "#lib/database/generated/client.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import { parseKeyring } from "../archive/keyring.ts";
import { packArchive } from "../archive/pack.ts";
import { bytesOf, exampleAbout, examplePart, pseudoRandomBytes } from "../archive/test-archives.ts";
import { type RecoveryWorld, relayContents } from "../test-recovery.ts";
import { archiveKey, writeCompanion } from "./archives.ts";
import { reconcileStorage } from "./catalogue.ts";

/** Puts an archive of pseudo-random bytes into a storage, sealed with the world's key, and takes it into the catalogue. */
export async function putArchive(
  world: RecoveryWorld,
  { storage = world.recovery.storage, bytes = 300_000 } = {},
): Promise<Backup> {
  const id = randomUUID();
  const takenAt = new Date();
  const number = 1 + (await world.db.backup.count());
  const keyring = await parseKeyring(world.backupKey);
  const key = archiveKey({ id, subject: "fleet/relay" }, takenAt);
  const { content, manifest } = packArchive({
    about: { ...exampleAbout, id, number, contents: relayContents, startedAt: takenAt.toISOString() },
    parts: [examplePart("logs", { "relay.log": () => pseudoRandomBytes(bytes, number) })],
    keyring,
    now: () => takenAt,
  });
  const written = await storage.put(key, content);
  await writeCompanion({ storage }, key, { archive: { ...written, keyId: keyring.keyId }, manifest: await manifest });
  await reconcileStorage({ ...world.recovery, storage });
  await world.db.backupProofRun.deleteMany({ where: { backupId: id } });
  return world.db.backup.update({ where: { id }, data: { proof: "restored", message: "Put there by a test." } });
}

const program = fileURLToPath(new URL("../../../../services/controller/reseal.ts", import.meta.url));

/** `npm run reseal` as a process of its own, with these keys, the present one first. */
export function startReseal(world: RecoveryWorld, keys: readonly string[]) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
    env: {
      ...process.env,
      DATABASE_URL: world.recovery.ownDatabaseUrl,
      SWITCHYARD_BACKUP_STORAGE: world.recovery.storage.name,
      SWITCHYARD_BACKUP_KEYS: keys.join(","),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => lines.push(String(chunk)));
  return { child, ended: once(child, "close"), said: () => lines.join("") };
}

/** What the storage has at the place that a row names. */
export async function sumOf(storage: ObjectStorage, { storageKey }: Pick<Backup, "storageKey">) {
  const content = await bytesOf(await storage.get(storageKey ?? ""));
  return { bytes: BigInt(content.length), sha256: createHash("sha256").update(content).digest("hex") };
}
