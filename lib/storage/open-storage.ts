import { DirectoryStorage } from "./directory.ts";
import { S3Storage } from "./s3.ts";
import type { StorageSettings } from "./settings.ts";
import type { ObjectStorage } from "./storage.ts";

/** The storage of these settings. Nothing is connected or made yet: the first call does. */
export function openStorage(settings: StorageSettings): ObjectStorage {
  return settings.kind === "directory" ? new DirectoryStorage(settings.path) : new S3Storage(settings);
}
