import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JSONWebKeySet, SignJWT } from "jose";
import { z } from "zod";
import { tokenAlgorithm } from "#lib/protocol/relay-token.ts";
import { maxTokenSeconds, type TokenRequest, tokenRequestSchema } from "#lib/protocol/relay-token-request.ts";

export const signingKeySchema = z.object({
  kid: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  jwk: z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), d: z.string() }),
});
export type SigningKey = z.infer<typeof signingKeySchema>;

/** A key is published this long before it signs, so that those who cache the key set know it by then. */
const publishAheadMs = 60_000;

export async function createKey(now: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(tokenAlgorithm, { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  const jwk = signingKeySchema.shape.jwk.parse({ kty, crv, x, y, d });
  return { kid: await calculateJwkThumbprint(jwk), createdAt: now, jwk };
}

/**
 * What rotation has to do with keys, oldest first: make a new one when the newest is old enough, drop those whose last token has
 * expired. A key signs until its successor takes over, and its tokens live up to maxTokenSeconds more.
 */
export function planRotation(keys: SigningKey[], rotateMs: number, now: number): { needsNew: boolean; keep: SigningKey[] } {
  const newest = keys.at(-1);
  const keep = keys.filter((_, index) => {
    const successor = keys[index + 1];
    return !successor || now < successor.createdAt + leadMs(rotateMs) + maxTokenSeconds * 1000;
  });
  return { needsNew: !newest || now - newest.createdAt >= rotateMs, keep };
}

/** The key that signs now: the newest that has been published long enough, else the oldest. */
export function signingKey(keys: SigningKey[], rotateMs: number, now: number): SigningKey | undefined {
  return keys.findLast(({ createdAt }) => now - createdAt >= leadMs(rotateMs)) ?? keys[0];
}

function leadMs(rotateMs: number): number {
  return Math.min(publishAheadMs, rotateMs / 2);
}

export function publicKeySet(keys: SigningKey[]): JSONWebKeySet {
  return { keys: keys.map(({ kid, jwk: { d: _, ...jwk } }) => ({ ...jwk, kid, alg: tokenAlgorithm, use: "sig" })) };
}

export async function signToken(
  key: SigningKey,
  request: TokenRequest,
  now: number,
): Promise<{ token: string; ttlSeconds: number }> {
  const { subject, documents, ttlSeconds } = tokenRequestSchema.parse(request);
  const issuedAt = Math.floor(now / 1000);
  const token = await new SignJWT({ documents })
    .setProtectedHeader({ alg: tokenAlgorithm, kid: key.kid, typ: "JWT" })
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(await importJWK(key.jwk, tokenAlgorithm));
  return { token, ttlSeconds };
}
