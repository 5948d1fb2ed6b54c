import { createHash, timingSafeEqual } from "node:crypto";

/** Says of a text whether it is the secret, in a time that tells nothing about it. */
export function createSecretCheck(secret: string): (given: string) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(secret);
  return (given) => timingSafeEqual(digest(given), wanted);
}
