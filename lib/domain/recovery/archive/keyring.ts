import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { openAge, sealAge } from "./age-stream.ts";

type Key = { identity: string; keyId: string };

/** The keys of archives: the first seals, and all of them open. Their secret halves cannot be read out of it. */
export class Keyring {
  /** The public half of the key that seals now: "age1...". */
  readonly keyId: string;
  /** The public halves of all keys. */
  readonly keyIds: readonly string[];
  readonly #first: Key;
  readonly #identities: readonly string[];

  constructor(first: Key, older: Key[]) {
    this.keyId = first.keyId;
    this.keyIds = [first, ...older].map(({ keyId }) => keyId);
    this.#first = first;
    this.#identities = [first, ...older].map(({ identity }) => identity);
  }

  /** Seals a stream with the first key. */
  seal(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    return sealAge(plain, { recipient: this.keyId, identity: this.#first.identity });
  }

  /** Opens a stream with whichever key fits. Throws an Error that says what is wrong, also in the middle of the stream. */
  open(sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    return openAge(sealed, this.#identities);
  }
}

/** "AGE-SECRET-KEY-1...,AGE-SECRET-KEY-1...": the present key first, then older ones. Throws an Error that repeats no key. */
export async function parseKeyring(text: string): Promise<Keyring> {
  const identities = text.split(/[\s,]+/).filter((identity) => identity !== "");
  const [first, ...older] = await Promise.all(identities.map(parseKey));
  if (first === undefined) throw new Error("Give at least one key: AGE-SECRET-KEY-1..., the present one first.");
  return new Keyring(first, older);
}

async function parseKey(identity: string, index: number): Promise<Key> {
  try {
    if (!identity.startsWith("AGE-SECRET-KEY-1")) throw new Error("of another kind");
    return { identity, keyId: await identityToRecipient(identity) };
  } catch {
    throw new Error(`Key ${index + 1} of the keys for backups is no AGE-SECRET-KEY-1... as age-keygen makes them.`);
  }
}

/** A new secret key, "AGE-SECRET-KEY-1...". */
export function generateKey(): Promise<string> {
  return generateX25519Identity();
}
