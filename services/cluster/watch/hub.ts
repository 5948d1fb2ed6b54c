import type { KubeObject, ResourceId } from "../api.ts";
import { encodeObject } from "../store/encoding.ts";
import { type Store, type StoreChange, tableKey } from "../store/store.ts";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

/** What a watcher sees of a change. The bytes are kept on the change, so that all watchers of one form share them. */
export type WatchEvent = { type: WatchEventType; object: KubeObject; revision: number; change: SharedChange };

export type SharedChange = StoreChange & { frames: Map<string, Buffer> };

export type Selection = (object: KubeObject) => boolean;

export type Subscription = {
  /** The events since the revision that the caller asked for. */
  backlog: WatchEvent[];
  end(): void;
};

type Channel = { history: SharedChange[]; oldestRevision: number; watchers: Set<(change: SharedChange) => void> };

/** Hands every durable change to the watchers of its resource, and keeps a window of past changes for those that come back. */
export class WatchHub {
  readonly #store: Store;
  readonly #channels = new Map<string, Channel>();
  readonly #historySize: number;
  readonly #firstRevision: number;

  constructor(store: Store, historySize = 2048) {
    this.#store = store;
    this.#historySize = historySize;
    this.#firstRevision = store.revision;
    store.subscribe((change) => this.#publish(change));
  }

  /**
   * Follows a resource from just after `revision`. Returns undefined when the changes since then are not known any more, or
   * when that revision is not yet reached (it belongs to another life of the data directory): the client must list again.
   */
  follow(id: ResourceId, revision: number, select: Selection, onEvent: (event: WatchEvent) => void): Subscription | undefined {
    const channel = this.#channel(id);
    if (revision < channel.oldestRevision || revision > this.#store.revision) return undefined;
    const backlog = channel.history
      .filter((change) => change.revision > revision)
      .flatMap((change) => selectEvent(change, select) ?? []);
    const watcher = (change: SharedChange) => {
      if (change.revision <= revision) return;
      const event = selectEvent(change, select);
      if (event) onEvent(event);
    };
    channel.watchers.add(watcher);
    return { backlog, end: () => channel.watchers.delete(watcher) };
  }

  #publish(change: StoreChange): void {
    const channel = this.#channel(change.id);
    const shared: SharedChange = { ...change, frames: new Map() };
    channel.history.push(shared);
    if (channel.history.length > this.#historySize * 1.25) {
      const dropped = channel.history.splice(0, channel.history.length - this.#historySize);
      channel.oldestRevision = dropped.at(-1)?.revision ?? channel.oldestRevision;
    }
    for (const watcher of channel.watchers) watcher(shared);
  }

  #channel(id: ResourceId): Channel {
    const key = tableKey(id);
    let channel = this.#channels.get(key);
    if (!channel) {
      channel = { history: [], oldestRevision: this.#firstRevision, watchers: new Set() };
      this.#channels.set(key, channel);
    }
    return channel;
  }
}

/** An object that leaves the selection looks deleted to the watcher, one that enters it looks added. */
export function selectEvent(change: SharedChange, select: Selection): WatchEvent | undefined {
  const { object, previous, revision } = change;
  const isIn = change.type !== "DELETED" && select(object);
  const wasIn = previous !== undefined && select(previous);
  if (isIn) return { type: wasIn ? "MODIFIED" : "ADDED", object, revision, change };
  if (!wasIn) return undefined;
  if (change.type === "DELETED") return { type: "DELETED", object, revision, change };
  const metadata = { ...previous.metadata, resourceVersion: object.metadata.resourceVersion };
  return { type: "DELETED", object: { ...previous, metadata }, revision, change };
}

/** The line of a watch stream for an object. */
export function encodeFrame(type: WatchEventType, objectBytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), objectBytes, Buffer.from("}\n")]);
}

export function sharedFrame({ type, object, change }: WatchEvent): Buffer {
  const left = type === "DELETED" && change.type !== "DELETED";
  const key = left ? "LEFT" : type;
  let frame = change.frames.get(key);
  if (!frame) {
    frame = encodeFrame(type, left ? Buffer.from(JSON.stringify(object)) : encodeObject(object));
    change.frames.set(key, frame);
  }
  return frame;
}
