import type { KubeObject } from "../api.ts";

const encoded = new WeakMap<KubeObject, Buffer>();

/** The JSON of a stored object, made once per version and shared by the log, lists and every watcher. */
export function encodeObject(object: KubeObject): Buffer {
  let bytes = encoded.get(object);
  if (!bytes) {
    bytes = Buffer.from(JSON.stringify(object));
    encoded.set(object, bytes);
  }
  return bytes;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
