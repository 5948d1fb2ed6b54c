import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, type JWK } from "jose";
import { readIfPresent, writePrivateFile } from "./files.ts";

/** What signs the tokens of service accounts, and what others check them with. */
export type ServiceAccountKey = { privateKey: KeyObject; publicKey: KeyObject; keyId: string; jwk: JWK };

export const tokenAlgorithm = "ES256";

/** Opens the key kept as sa.key, or makes it. */
export async function openServiceAccountKey(directory: string): Promise<ServiceAccountKey> {
  const path = join(directory, "sa.key");
  const kept = await readIfPresent(path);
  const pem = kept ?? makeKey();
  if (!kept) await writePrivateFile(path, pem);
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const plain = await exportJWK(publicKey);
  const keyId = await calculateJwkThumbprint(plain);
  return { privateKey, publicKey, keyId, jwk: { ...plain, kid: keyId, use: "sig", alg: tokenAlgorithm } };
}

function makeKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
