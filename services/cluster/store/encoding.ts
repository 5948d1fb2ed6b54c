import type { KubeObject } from "../api.ts";

const encoded = new WeakMap<KubeObject, Buffer>();

/** The JSON of a stored object, made once for its newest version and shared by the log, lists and every watcher. */
export function encodeObject(object: KubeObject): Buffer {
  let bytes = encoded.get(object);
  if (!bytes) {
    const text = JSON.stringify(object);
    // Not Buffer.from: it takes small buffers out of a shared slab, which then lives as long as the longest-lived of them.
    bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    bytes.write(text);
    encoded.set(object, bytes);
  }
  return bytes;
}

/** Lets go of the bytes of a version that is not the newest any more; they are made again should somebody want them. */
export function forgetEncoding(object: KubeObject): void {
  encoded.delete(object);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
