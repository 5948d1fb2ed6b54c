import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { readIfPresent, writePrivateFile } from "./files.ts";

export type User = { name: string; groups: string[]; uid?: string; extra?: Record<string, string[]> };

type Credential = { user: User; digest: Buffer };

/** Who may call the API: bearer tokens, compared by their SHA-256 digests in constant time. */
export class Identities {
  readonly #credentials: Credential[] = [];

  add(user: User, token: string): void {
    this.#credentials.push({ user: { ...user, groups: [...user.groups, "system:authenticated"] }, digest: digest(token) });
  }

  find(token: string): User | undefined {
    const given = digest(token);
    let found: User | undefined;
    for (const credential of this.#credentials) {
      if (timingSafeEqual(credential.digest, given)) found = credential.user;
    }
    return found;
  }
}

/** Reads the token of `path`, or makes one of 256 random bits and keeps it there. */
export async function keptToken(directory: string, name: string): Promise<string> {
  const path = join(directory, `${name}.token`);
  const kept = (await readIfPresent(path))?.trim();
  if (kept) return kept;
  const token = randomBytes(32).toString("base64url");
  await writePrivateFile(path, token);
  return token;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
