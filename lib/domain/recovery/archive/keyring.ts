import { ReadableStream } from "node:stream/web";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";

/** The keys of archives: the first seals, and all of them open. Their secret halves cannot be read out of it. */
export class Keyring {
  /** The public half of the key that seals now: "age1...". */
  readonly keyId: string;
  /** The public halves of all keys. */
  readonly keyIds: readonly string[];
  readonly #identities: readonly string[];

  constructor(keys: { identity: string; keyId: string }[]) {
    const [first] = keys;
    if (first === undefined) throw new Error("A keyring has at least one key.");
    this.keyId = first.keyId;
    this.keyIds = keys.map(({ keyId }) => keyId);
    this.#identities = keys.map(({ identity }) => identity);
  }

  /** Seals a stream with the first key. */
  async *seal(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const encrypter = new Encrypter();
    encrypter.addRecipient(this.keyId);
    yield* chunksOf(await encrypter.encrypt(streamOf(plain)));
  }

  /** Opens a stream with whichever key fits; throws what age throws, also in the middle of the stream. */
  async *open(sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const decrypter = new Decrypter();
    for (const identity of this.#identities) decrypter.addIdentity(identity);
    yield* chunksOf(await decrypter.decrypt(streamOf(sealed)));
  }
}

// The types of web streams of Node and of the browser differ in what they have beside; the class is one.
function streamOf(chunks: AsyncIterable<Uint8Array>): globalThis.ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks) as unknown as globalThis.ReadableStream<Uint8Array>;
}

function chunksOf(stream: globalThis.ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  return stream as unknown as ReadableStream<Uint8Array>;
}

/** "AGE-SECRET-KEY-1...,AGE-SECRET-KEY-1...": the present key first, then older ones. Throws an Error that repeats no key. */
export async function parseKeyring(text: string): Promise<Keyring> {
  const identities = text
    .split(/[\s,]+/)
    .map((identity) => identity.trim())
    .filter((identity) => identity !== "");
  if (identities.length === 0) throw new Error("Give at least one key: AGE-SECRET-KEY-1..., the present one first.");
  const keys = identities.map(async (identity, index) => {
    try {
      if (!identity.startsWith("AGE-SECRET-KEY-1")) throw new Error("of another kind");
      return { identity, keyId: await identityToRecipient(identity) };
    } catch {
      throw new Error(`Key ${index + 1} of the keys for backups is no AGE-SECRET-KEY-1... as age-keygen makes them.`);
    }
  });
  return new Keyring(await Promise.all(keys));
}

/** A new secret key, "AGE-SECRET-KEY-1...". */
export function generateKey(): Promise<string> {
  return generateX25519Identity();
}
