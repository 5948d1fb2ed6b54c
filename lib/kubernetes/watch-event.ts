import type { KubernetesObject } from "./objects.ts";

/** One line of a watch. */
export type WatchEvent<T extends KubernetesObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; object: { metadata: { resourceVersion: string } } }
  | { type: "ERROR"; object: { code?: number; reason?: string; message?: string } };

/** What an event means for the object that is known under its name. */
export type WatchStep<T> =
  | { kind: "upsert"; object: T; resourceVersion: string }
  | { kind: "remove"; resourceVersion: string }
  /** Nothing changes, but the watch has come this far. */
  | { kind: "keep"; resourceVersion: string | null }
  /** History is gone (410): list again at once. */
  | { kind: "relist" }
  | { kind: "fail"; message: string };

/**
 * Decides what one event changes, given the object that is known under the same namespace and name, or the resourceVersion at
 * which the last one was removed. Doubled and overtaken events change nothing: resourceVersions of one resource compare as
 * numbers (KEP-5504).
 */
export function applyWatchEvent<T extends KubernetesObject>(
  known: KubernetesObject | undefined,
  event: WatchEvent<T>,
  removedAt?: string,
): WatchStep<T> {
  switch (event.type) {
    case "ERROR":
      if (event.object.code === 410 || event.object.reason === "Expired" || event.object.reason === "Gone")
        return { kind: "relist" };
      return { kind: "fail", message: event.object.message ?? "the watch ended with an error" };
    case "BOOKMARK":
      return { kind: "keep", resourceVersion: event.object.metadata.resourceVersion };
    case "DELETED": {
      const { uid, resourceVersion } = event.object.metadata;
      const isAnother = known !== undefined && known.metadata.uid !== uid && !isOlder(known, event.object);
      return known === undefined || isAnother ? { kind: "keep", resourceVersion } : { kind: "remove", resourceVersion };
    }
    default: {
      const { resourceVersion } = event.object.metadata;
      if (known?.metadata.resourceVersion === resourceVersion) return { kind: "keep", resourceVersion };
      if (known && !isOlder(known, event.object)) return { kind: "keep", resourceVersion: null };
      if (removedAt !== undefined && !isNewer(resourceVersion, removedAt)) return { kind: "keep", resourceVersion: null };
      return { kind: "upsert", object: event.object, resourceVersion };
    }
  }
}

function isOlder(known: KubernetesObject, event: KubernetesObject): boolean {
  return isNewer(event.metadata.resourceVersion, known.metadata.resourceVersion);
}

/** Whether a resourceVersion is newer than another one; where they are no numbers, what comes later is. */
export function isNewer(arriving: string, known: string): boolean {
  if (!isNumber(arriving) || !isNumber(known)) return true;
  return arriving.length === known.length ? arriving > known : arriving.length > known.length;
}

function isNumber(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > 0;
}

/** The name under which an object is kept: namespace/name, or the name alone where there is no namespace. */
export function keyOf(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/**
 * Compares a fresh list, which comes in parts, with what is known. An object that was made anew under its name counts as removed,
 * too.
 */
export class FreshList<T extends KubernetesObject> {
  readonly #known: ReadonlyMap<string, T>;
  readonly #seen = new Set<string>();

  constructor(known: ReadonlyMap<string, T>) {
    this.#known = known;
  }

  /** What is listed was seen; whether it differs from what is known, and what it takes the place of. */
  see(listed: T): { isNew: boolean; replaced: T | undefined } {
    const key = keyOf(listed);
    this.#seen.add(key);
    const known = this.#known.get(key);
    return {
      isNew: known?.metadata.resourceVersion !== listed.metadata.resourceVersion,
      replaced: known && known.metadata.uid !== listed.metadata.uid ? known : undefined,
    };
  }

  /** What is known and was not listed. Complete only once everything was seen. */
  *missing(): Generator<T> {
    for (const [key, object] of this.#known) if (!this.#seen.has(key)) yield object;
  }
}
