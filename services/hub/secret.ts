import { hash, timingSafeEqual } from "node:crypto";

/** Says of a text whether it is the secret, in a time that tells nothing about it. */
export function createSecretCheck(secret: string): (given: string) => boolean {
  const digest = (text: string) => hash("sha256", text, "buffer");
  const wanted = digest(secret);
  return (given) => timingSafeEqual(digest(given), wanted);
}
