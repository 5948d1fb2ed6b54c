import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";

// Small secrets at rest: AES-256-GCM under a key that HKDF-SHA256 derives from the process's one encryption key. A sealed text is
// "v1.KEY.NONCE.BYTES": KEY names the key without telling it, so that a wrong one is told apart from damage. What the secret
// belongs to is bound in as additional data: a row's secret copied into another row does not open.

const version = "v1";
const nonceBytes = 12;
const tagBytes = 16;

/** Why a sealed text does not open: it was sealed with another key, or it is damaged or belongs to something else. */
export type SealedErrorCode = "sealed-with-another-key" | "sealed-text-damaged";

/** A sealed text that does not open. The message holds nothing of the secret. */
export class SealedError extends Error {
  override readonly name = "SealedError";
  readonly code: SealedErrorCode;

  constructor(code: SealedErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Seals and opens small secrets with one key. */
export class Sealer {
  readonly #key: Buffer;
  readonly #fingerprintKey: Buffer;
  readonly #keyName: string;

  /** `encryptionKey` is the secret of SWITCHYARD_ENCRYPTION_KEY: at least 32 characters of any alphabet. */
  constructor(encryptionKey: string) {
    if (encryptionKey.length < 32) throw new Error("an encryption key has at least 32 characters");
    this.#key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "switchyard sealed secrets v1", 32));
    this.#fingerprintKey = Buffer.from(hkdfSync("sha256", encryptionKey, "", "switchyard fingerprints v1", 32));
    this.#keyName = createHash("sha256").update("name of ").update(this.#key).digest("base64url").slice(0, 8);
  }

  /** Seals a text for one place, e.g. "notification-target/ID"; it opens only with the same place. */
  seal(text: string, place: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return [version, this.#keyName, nonce.toString("base64url"), sealed.toString("base64url")].join(".");
  }

  /** HMAC-SHA256 in hexadecimal: equal for equal texts of one use, and without the key no way to try guesses of the text. */
  fingerprint(text: string, use: string): string {
    return createHmac("sha256", this.#fingerprintKey)
      .update(JSON.stringify([use, text]))
      .digest("hex");
  }

  /** Opens what `seal` made; throws SealedError. */
  open(sealed: string, place: string): string {
    const [given, keyName, nonceText = "", text = "", ...rest] = sealed.split(".");
    const nonce = Buffer.from(nonceText, "base64url");
    const bytes = Buffer.from(text, "base64url");
    if (given !== version || nonce.length !== nonceBytes || bytes.length < tagBytes || rest.length > 0) throw damaged();
    if (keyName !== this.#keyName) {
      throw new SealedError(
        "sealed-with-another-key",
        "This secret was sealed with another SWITCHYARD_ENCRYPTION_KEY: set that key again, or enter the secret anew.",
      );
    }
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]).toString("utf8");
    } catch {
      throw damaged();
    }
  }
}

function damaged(): SealedError {
  return new SealedError("sealed-text-damaged", "This sealed secret is damaged or belongs to something else: enter it anew.");
}
