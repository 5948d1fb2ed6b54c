import type { KubernetesObject, ObjectList } from "./objects.ts";
import { JsonPicker, type Shape } from "./pick-json.ts";
import { keyOf, type WatchEvent } from "./watch-event.ts";

/** What the first bytes of a change say: which object, and how new. */
export type EventHeader = { key: string; resourceVersion: string };

const isChange: Record<string, true> = { ADDED: true, MODIFIED: true, DELETED: true };

/** Reads watch lines and lists of one resource, of each object what `shape` names; without a shape, all of it. */
export class ObjectDecoder<Raw extends KubernetesObject> {
  readonly #header = new JsonPicker({
    type: true,
    object: { metadata: { name: true, namespace: true, resourceVersion: true } },
  });
  readonly #event: JsonPicker | null;
  readonly #list: JsonPicker;

  constructor(shape: Shape | undefined) {
    const shared = new Map<string, unknown>();
    const metadata = { resourceVersion: true, continue: true } as const;
    this.#event = shape ? new JsonPicker({ type: true, object: shape }, shared) : null;
    this.#list = new JsonPicker({ metadata, items: shape ?? true }, shared);
  }

  /** The header of a line that tells of a changed object; null for bookmarks and errors. Throws SyntaxError. */
  readHeader(bytes: Buffer, start: number, end: number): EventHeader | null {
    const { type, object } = this.#header.pickBeginning(bytes, start, end) as { type?: string; object?: KubernetesObject };
    if (!isChange[type ?? ""] || !object?.metadata?.name) return null;
    return { key: keyOf(object), resourceVersion: object.metadata.resourceVersion };
  }

  /** The event of a line that has a header. */
  readChange(bytes: Buffer, start: number, end: number): WatchEvent<Raw> & { object: Raw } {
    const picked = this.#event?.pick(bytes, start, end) ?? JSON.parse(bytes.toString("utf8", start, end));
    return picked as WatchEvent<Raw> & { object: Raw };
  }

  /** The event of a line that has none. */
  readOther(bytes: Buffer, start: number, end: number): WatchEvent<Raw> {
    return JSON.parse(bytes.toString("utf8", start, end)) as WatchEvent<Raw>;
  }

  /** The objects of one page of a list, one by one; its metadata at the end. */
  *readPage(bytes: Buffer): Generator<Raw, ObjectList<Raw>["metadata"]> {
    const rest = yield* this.#list.pickEach(bytes, "items") as Generator<Raw, { metadata: ObjectList<Raw>["metadata"] }>;
    return rest.metadata;
  }
}
