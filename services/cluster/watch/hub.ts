import type { KubeObject, ResourceId } from "../api.ts";
import { encodeObject, forgetEncoding } from "../store/encoding.ts";
import { type Store, type StoreChange, tableKey } from "../store/store.ts";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

/** What a watcher sees of a change. */
export type WatchEvent = { type: WatchEventType; object: KubeObject; revision: number; change: SharedChange };

/** A change with the bytes that its watchers of the moment share, by their form. */
export type SharedChange = StoreChange & { frames?: Map<string, Buffer> };

/** Which objects a watcher wants. Watchers whose selections have the same key are served together. */
export type Selection = ((object: KubeObject) => boolean) & { key?: string };

export type Subscription = {
  /** The events since the revision that the caller asked for. */
  backlog: WatchEvent[];
  end(): void;
};

type Watcher = { from: number; onEvent: (event: WatchEvent) => void };
type Group = { select: Selection; watchers: Set<Watcher> };
type Past = { change: SharedChange; atMs: number; bytes: number };
type Channel = { history: Past[]; bytes: number; oldestRevision: number; groups: Map<string, Group> };

/** In a burst of changes the window grows to so many times its size, for those that are younger than `burstMs`. */
const burstFactor = 4;
const burstMs = 60_000;

/** What the past changes of one resource may take, as JSON: a window of large objects is shorter. */
const longestHistoryBytes = 64 * 1024 * 1024;

/** Hands every durable change to the watchers of its resource, and keeps a window of past changes for those that come back. */
export class WatchHub {
  readonly #store: Store;
  readonly #channels = new Map<string, Channel>();
  readonly #historySize: number;
  readonly #historyBytes: number;
  readonly #firstRevision: number;
  #unnamed = 0;

  constructor(store: Store, historySize = 2048, historyBytes = longestHistoryBytes) {
    this.#store = store;
    this.#historySize = historySize;
    this.#historyBytes = historyBytes;
    this.#firstRevision = store.revision;
    store.subscribe((change) => this.#publish(change));
  }

  /** The revision from which a watch of the resource can still start. */
  oldestRevision(id: ResourceId): number {
    return this.#channel(id).oldestRevision;
  }

  /**
   * Follows a resource from just after `revision`. Returns undefined when the changes since then are not known any more, or
   * when that revision is not yet reached (it belongs to another life of the data directory): the client must list again.
   */
  follow(id: ResourceId, revision: number, select: Selection, onEvent: (event: WatchEvent) => void): Subscription | undefined {
    const channel = this.#channel(id);
    if (revision < channel.oldestRevision || revision > this.#store.revision) return undefined;
    const backlog = channel.history
      .filter(({ change }) => change.revision > revision)
      .flatMap(({ change }) => selectEvent(change, select) ?? []);
    const key = select.key ?? `unnamed ${++this.#unnamed}`;
    const group = channel.groups.get(key) ?? { select, watchers: new Set() };
    channel.groups.set(key, group);
    const watcher = { from: revision, onEvent };
    group.watchers.add(watcher);
    const end = () => {
      group.watchers.delete(watcher);
      if (group.watchers.size === 0 && channel.groups.get(key) === group) channel.groups.delete(key);
    };
    return { backlog, end };
  }

  /** The objects as they were at an earlier revision, sorted as they are now; undefined when that is not known any more. */
  rewind(
    id: ResourceId,
    now: { objects: readonly KubeObject[]; revision: number },
    revision: number,
  ): readonly KubeObject[] | undefined {
    const channel = this.#channel(id);
    if (revision < channel.oldestRevision || revision > now.revision) return undefined;
    const before = new Map<string, KubeObject | undefined>();
    for (const { change } of channel.history) {
      if (change.revision <= revision || change.revision > now.revision) continue;
      const key = sortKey(change.object);
      if (!before.has(key)) before.set(key, change.previous);
    }
    if (before.size === 0) return now.objects;
    const untouched = now.objects.filter((object) => !before.has(sortKey(object)));
    const restored = [...before.values()].filter((object) => object !== undefined);
    return [...untouched, ...restored].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  #publish(change: StoreChange): void {
    const channel = this.#channel(change.id);
    const shared: SharedChange = { ...change };
    const nowMs = performance.now();
    const bytes = sizeOf(change);
    channel.history.push({ change: shared, atMs: nowMs, bytes });
    channel.bytes += bytes;
    for (const one of this.#channels.values()) this.#trim(one, nowMs);
    for (const { select, watchers } of channel.groups.values()) {
      const event = selectEvent(shared, select);
      if (!event) continue;
      for (const { from, onEvent } of watchers) if (change.revision > from) onEvent(event);
    }
    // Whoever follows has its bytes by now. Those who come back later are few, and have theirs made again.
    shared.frames = undefined;
    if (change.previous) forgetEncoding(change.previous);
  }

  #trim(channel: Channel, nowMs: number): void {
    const { history } = channel;
    const excess = history.length - this.#keptOf(history, nowMs);
    let count = 0;
    while (count < excess || channel.bytes > this.#historyBytes) {
      channel.bytes -= history[count]?.bytes ?? channel.bytes;
      count += 1;
    }
    if (count === 0) return;
    const dropped = history.splice(0, count);
    channel.oldestRevision = dropped.at(-1)?.change.revision ?? channel.oldestRevision;
  }

  #keptOf(history: readonly Past[], nowMs: number): number {
    const size = this.#historySize;
    if (history.length <= size * 1.25) return history.length;
    const oldest = history[0];
    const isBurst = oldest !== undefined && nowMs - oldest.atMs < burstMs;
    if (isBurst && history.length <= size * burstFactor) return history.length;
    return isBurst ? Math.floor(size * (burstFactor - 0.25)) : size;
  }

  #channel(id: ResourceId): Channel {
    const key = tableKey(id);
    let channel = this.#channels.get(key);
    if (!channel) {
      channel = { history: [], bytes: 0, oldestRevision: this.#firstRevision, groups: new Map() };
      this.#channels.set(key, channel);
    }
    return channel;
  }
}

/** Of the object whose bytes are there already: a deletion has those of the last version. */
function sizeOf({ type, object, previous }: StoreChange): number {
  return encodeObject(type === "DELETED" && previous ? previous : object).length;
}

/** The order of lists. */
export function sortKey({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
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
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), objectBytes, lineEnd]);
}

const lineEnd = Buffer.from("}\n");

/** The line of an event in a form of its object, made once for all watchers that take the event in this form. */
export function sharedFrame({ type, object, change }: WatchEvent, form: string, encode: (object: KubeObject) => Buffer): Buffer {
  // What left a selection is the object before the change, under the number of the change.
  const key = `${type === "DELETED" && change.type !== "DELETED" ? "LEFT" : type} ${form}`;
  change.frames ??= new Map();
  let frame = change.frames.get(key);
  if (!frame) {
    frame = encodeFrame(type, encode(object));
    change.frames.set(key, frame);
  }
  return frame;
}
