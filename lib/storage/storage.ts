/** One object that is wholly there. */
export type StoredObject = { key: string; bytes: number; modifiedAt: Date };

/** What put wrote; `sha256` in hexadecimal. */
export type Written = { bytes: number; sha256: string };

/**
 * Where archives lie: a directory or an S3-compatible store. Keys are segments of letters, digits, ".", "_" and "-" that begin
 * with no ".", parted by "/". Every method rejects with a StorageError, or with the signal's reason; put also with what its
 * source threw.
 */
export interface ObjectStorage {
  /** For people, without credentials: "file:///var/backups" or "s3://bucket/prefix at https://...". */
  readonly name: string;
  /** What one object holds; absent: as much as there is room for. */
  readonly mostBytes?: number;
  /**
   * Writes a stream of unknown length. The object is visible only when all of it is there and safe; one that had this key before
   * is replaced in that instant. After an error nothing of it is visible, and what was sent is removed.
   */
  put(key: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Written>;
  /** The content, in order, at the reader's pace. Rejects with not-found. Reading on may throw StorageError, too. */
  get(key: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  find(key: string): Promise<StoredObject | null>;
  /** Every object whose key begins with the prefix, in the order of keys; "" for all. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** It is fine when there is none. */
  remove(key: string): Promise<void>;
  /** Clears what writers left that were killed: everything unfinished that was begun, or in a directory last written to, before. */
  removeUnfinished(before: Date): Promise<number>;
}

/** unavailable: try again later. refused: the storage says no, e.g. wrong credentials, no permission, a full disk, a bad key. */
export type StorageErrorCode = "not-found" | "unavailable" | "refused";

/** The one error of lib/storage. The message is a sentence that says where and what to do, without credentials. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  // Next bundles this module several times in one process, as it does lib/domain/errors.ts.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "StorageError";
  }

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const keyForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const maxKeyLength = 900;

export function isKey(text: string): boolean {
  return text.length <= maxKeyLength && keyForm.test(text);
}

/** Throws refused for a key that not every storage could hold. */
export function checkKey(key: string): void {
  if (isKey(key)) return;
  throw new StorageError(
    "refused",
    `The storage key ${JSON.stringify(key.slice(0, 100))} has to be segments of letters, digits, ".", "_" and "-", parted by "/".`,
  );
}
