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
 * Decides what one event changes, given the object that is known under the same namespace and name. Doubled and overtaken
 * events change nothing: resourceVersions of one resource compare as numbers (KEP-5504).
 */
export function applyWatchEvent<T extends KubernetesObject>(
  known: KubernetesObject | undefined,
  event: WatchEvent<T>,
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
      return { kind: "upsert", object: event.object, resourceVersion };
    }
  }
}

function isOlder(known: KubernetesObject, event: KubernetesObject): boolean {
  const [a, b] = [known.metadata.resourceVersion, event.metadata.resourceVersion];
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return true;
  return a.length === b.length ? a < b : a.length < b.length;
}

/** The name under which an object is kept: namespace/name, or the name alone where there is no namespace. */
export function keyOf(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** What differs between what is known and a fresh list. An object that was made anew under its name counts as removed, too. */
export function diffList<T extends KubernetesObject>(
  known: ReadonlyMap<string, T>,
  listed: readonly T[],
): { upserted: T[]; removed: T[] } {
  const uids = new Map(listed.map((object) => [keyOf(object), object.metadata.uid]));
  return {
    upserted: listed.filter((object) => known.get(keyOf(object))?.metadata.resourceVersion !== object.metadata.resourceVersion),
    removed: [...known].filter(([key, object]) => uids.get(key) !== object.metadata.uid).map(([, object]) => object),
  };
}
