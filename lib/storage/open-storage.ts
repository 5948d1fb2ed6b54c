import type { StorageSettings } from "./settings.ts";
import type { ObjectStorage } from "./storage.ts";

/** The storage of these settings. Nothing is connected or made yet: the first call does. */
export declare function openStorage(settings: StorageSettings): ObjectStorage;
