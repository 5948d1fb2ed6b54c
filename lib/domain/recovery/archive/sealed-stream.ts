import { noIdentity } from "./age-stream.ts";
import type { Keyring } from "./keyring.ts";

/** An archive that is not what was written: cut, changed, sealed for another key. The message says which and where. */
export class ArchiveDamaged extends Error {
  override readonly name = "ArchiveDamaged";
}

/** The plain content of a sealed stream. Throws ArchiveDamaged, what the stream threw, or the signal's reason. */
export async function* openSealed(sealed: AsyncIterable<Uint8Array>, keyring: Keyring, signal?: AbortSignal) {
  let failure: { cause: unknown } | null = null;
  async function* watched() {
    try {
      for await (const chunk of sealed) {
        signal?.throwIfAborted();
        yield chunk;
      }
    } catch (cause) {
      failure = { cause };
      throw cause;
    }
  }
  try {
    yield* keyring.open(watched());
  } catch (cause) {
    throw (failure as { cause: unknown } | null)?.cause ?? damageOf(cause);
  }
}

/** The public half of the key that opens a sealed stream, of which only the beginning is read; null when none of them does. Throws as openSealed. */
export async function findSealingKey(sealed: AsyncIterable<Uint8Array>, keyring: Keyring): Promise<string | null> {
  let failure: { cause: unknown } | null = null;
  async function* watched() {
    try {
      yield* sealed;
    } catch (cause) {
      failure = { cause };
      throw cause;
    }
  }
  try {
    return await keyring.findKey(watched());
  } catch (cause) {
    throw (failure as { cause: unknown } | null)?.cause ?? damageOf(cause);
  }
}

/** Seals an archive of an older key with the present one, without looking into it; its content stays the same to the byte. */
export async function* reseal(sealed: AsyncIterable<Uint8Array>, keyring: Keyring, signal?: AbortSignal) {
  yield* keyring.seal(openSealed(sealed, keyring, signal));
}

function damageOf(cause: unknown): ArchiveDamaged {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.startsWith(noIdentity)) {
    return new ArchiveDamaged("None of the keys opens it: give the one that sealed it, too, or its first bytes were changed.", {
      cause,
    });
  }
  return new ArchiveDamaged(`It was cut, or bytes of it were changed (${message}).`, { cause });
}
