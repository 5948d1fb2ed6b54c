import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Decrypter, Encrypter } from "age-encryption";

/**
 * Files of age (age-encryption.org/v1, C2SP): the library makes and opens their headers; their payload goes through OpenSSL here,
 * which is ten times as fast as the library's own ChaCha20-Poly1305.
 */
const cipher = "chacha20-poly1305";
const blockBytes = 64 * 1024;
const tagBytes = 16;
const saltBytes = 16;
const maxHeaderBytes = 64 * 1024;
/** How the library's error begins when none of the identities fits. */
export const noIdentity = "no identity matched";

/** Seals a stream for the recipient "age1...", whose identity is "AGE-SECRET-KEY-1...". */
export async function* sealAge(
  plain: AsyncIterable<Uint8Array>,
  { recipient, identity }: { recipient: string; identity: string },
) {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  // A file of nothing: its header, and a payload that is thrown away.
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const header = empty.subarray(0, empty.length - saltBytes - tagBytes);
  const salt = randomBytes(saltBytes);
  const key = payloadKey(await fileKeyOf(header, [identity]), salt);
  yield Buffer.concat([header, salt]);

  const nonce = new BlockNonce();
  for await (const { block, isLast } of inBlocks(plain, blockBytes)) {
    const sealing = createCipheriv(cipher, key, nonce.next(isLast), { authTagLength: tagBytes });
    yield sealing.update(block);
    sealing.final();
    yield sealing.getAuthTag();
  }
}

/** Opens a stream with whichever identity fits. Throws an Error that says what is wrong, also in the middle of the stream. */
export async function* openAge(sealed: AsyncIterable<Uint8Array>, identities: readonly string[]) {
  const chunks = sealed[Symbol.asyncIterator]();
  try {
    const { header, salt, rest } = await readHeader(chunks);
    const key = payloadKey(await fileKeyOf(header, identities), salt);
    const nonce = new BlockNonce();
    for await (const { block, isLast } of inBlocks(followedBy(rest, chunks), blockBytes + tagBytes)) {
      if (block.length < tagBytes) throw new Error("it ends too early");
      if (isLast && block.length === tagBytes && !nonce.isFirst) throw new Error("its last block is empty");
      const opening = createDecipheriv(cipher, key, nonce.next(isLast), { authTagLength: tagBytes });
      opening.setAuthTag(block.subarray(block.length - tagBytes));
      const plain = opening.update(block.subarray(0, block.length - tagBytes));
      // Throws when the block is not what was sealed; nothing of it has been given out by then.
      opening.final();
      yield plain;
    }
  } finally {
    await chunks.return?.();
  }
}

/** The first of these identities that opens the stream, read no further than its header; null when none does. Throws for what is no age file. */
export async function findIdentity(sealed: AsyncIterable<Uint8Array>, identities: readonly string[]): Promise<string | null> {
  const chunks = sealed[Symbol.asyncIterator]();
  try {
    const { header } = await readHeader(chunks);
    for (const identity of identities) if (await opens(header, identity)) return identity;
    return null;
  } finally {
    await chunks.return?.();
  }
}

async function opens(header: Uint8Array, identity: string): Promise<boolean> {
  try {
    await fileKeyOf(header, [identity]);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith(noIdentity)) return false;
    throw error;
  }
}

function fileKeyOf(header: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return decrypter.decryptHeader(header);
}

function payloadKey(fileKey: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", fileKey, salt, "payload", 32));
}

/** Eleven bytes that count the blocks, and one that marks the last. */
class BlockNonce {
  readonly #bytes = Buffer.alloc(12);
  #count = 0;

  get isFirst(): boolean {
    return this.#count === 0;
  }

  next(isLast: boolean): Buffer {
    this.#bytes.writeUIntBE(this.#count, 5, 6);
    this.#bytes[11] = isLast ? 1 : 0;
    this.#count += 1;
    return this.#bytes;
  }
}

/** The same bytes in blocks of one size; the last is shorter, or empty when there is nothing at all. Each is gone with the next. */
async function* inBlocks(chunks: AsyncIterable<Uint8Array>, size: number) {
  const block = Buffer.allocUnsafeSlow(size);
  let used = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (used === size) {
        yield { block, isLast: false };
        used = 0;
      }
      const taken = rest.subarray(0, size - used);
      block.set(taken, used);
      used += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
    }
  }
  yield { block: block.subarray(0, used), isLast: true };
}

async function readHeader(chunks: AsyncIterator<Uint8Array>) {
  let read = Buffer.alloc(0);
  for (;;) {
    const lastLine = read.indexOf("\n--- ");
    const headerBytes = lastLine < 0 ? 0 : read.indexOf("\n", lastLine + 1) + 1;
    if (headerBytes > 0 && read.length >= headerBytes + saltBytes) {
      const [header, salt] = [read.subarray(0, headerBytes), read.subarray(headerBytes, headerBytes + saltBytes)];
      return { header, salt, rest: read.subarray(headerBytes + saltBytes) };
    }
    const next = read.length > maxHeaderBytes ? null : await chunks.next();
    if (next === null || next.done) throw new Error("it does not begin as an age file does");
    read = Buffer.concat([read, next.value]);
  }
}

async function* followedBy(first: Uint8Array, chunks: AsyncIterator<Uint8Array>) {
  yield first;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}
