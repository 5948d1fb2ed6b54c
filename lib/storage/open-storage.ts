import { DirectoryStorage } from "./directory.ts";
import { mostS3Bytes, type S3Settings, type StorageSettings, storageName } from "./settings.ts";
import type { ObjectStorage, StoredObject, Written } from "./storage.ts";

/** The storage of these settings. Nothing is asked before it is used. */
export function openStorage(settings: StorageSettings): ObjectStorage {
  return settings.kind === "directory" ? new DirectoryStorage(settings.path) : new LateS3Storage(settings);
}

/** Loads the client of S3 with the first request: 20 MB that nobody else has to carry. */
class LateS3Storage implements ObjectStorage {
  readonly name: string;
  readonly mostBytes = mostS3Bytes;
  readonly #settings: S3Settings;
  #storage: Promise<ObjectStorage> | undefined;

  constructor(settings: S3Settings) {
    this.name = storageName(settings);
    this.#settings = settings;
  }

  async put(key: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Written> {
    return (await this.#open()).put(key, source, signal);
  }

  async get(key: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#open()).get(key, signal);
  }

  async find(key: string): Promise<StoredObject | null> {
    return (await this.#open()).find(key);
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    yield* (await this.#open()).list(prefix);
  }

  async remove(key: string): Promise<void> {
    await (await this.#open()).remove(key);
  }

  async removeUnfinished(before: Date): Promise<number> {
    return (await this.#open()).removeUnfinished(before);
  }

  #open(): Promise<ObjectStorage> {
    this.#storage ??= import("./s3.ts").then(({ S3Storage }) => new S3Storage(this.#settings));
    return this.#storage;
  }
}
