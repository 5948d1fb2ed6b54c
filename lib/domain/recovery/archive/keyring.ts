import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { findIdentity, openAge, sealAge } from "./age-stream.ts";

type Key = { identity: string; keyId: string };

/** The keys of archives: the first seals, and all of them open. Their secret halves cannot be read out of it. */
export class Keyring {
  /** The public half of the key that seals now: "age1...". */
  readonly keyId: string;
  /** The public halves of all keys. */
  readonly keyIds: readonly string[];
  readonly #first: Key;
  readonly #keys: readonly Key[];

  constructor(first: Key, older: Key[]) {
    this.keyId = first.keyId;
    this.#first = first;
    this.#keys = [first, ...older];
    this.keyIds = this.#keys.map(({ keyId }) => keyId);
  }

  /** Seals a stream with the first key. */
  seal(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    return sealAge(plain, { recipient: this.keyId, identity: this.#first.identity });
  }

  /** Opens a stream with whichever key fits. Throws an Error that says what is wrong, also in the middle of the stream. */
  open(sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    return openAge(sealed, identitiesOf(this.#keys));
  }

  /** The public half of the key that opens a stream, of which only the beginning is read; null when none does. Throws for what is no age file. */
  async findKey(sealed: AsyncIterable<Uint8Array>): Promise<string | null> {
    const found = await findIdentity(sealed, identitiesOf(this.#keys));
    return this.#keys.find(({ identity }) => identity === found)?.keyId ?? null;
  }

  /** The first key alone: opens what needs none of the older ones. */
  withoutOlder(): Keyring {
    return new Keyring(this.#first, []);
  }
}

function identitiesOf(keys: readonly Key[]): string[] {
  return keys.map(({ identity }) => identity);
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
