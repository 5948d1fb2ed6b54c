import type { Logger } from "#lib/runtime/logger.ts";
import type { ChangeType, KubeObject, ResourceId } from "../api.ts";
import { deepFreeze } from "./encoding.ts";
import { lockDirectory } from "./lock.ts";
import { Log } from "./log.ts";
import { encodeRecord, type StoreRecord } from "./records.ts";

const revisionGap = 1000;

/** A change that is durable. The object of a removal carries the revision of the removal. */
export type StoreChange = { revision: number; type: ChangeType; id: ResourceId; object: KubeObject; previous?: KubeObject };

export type Write = { object: KubeObject; durable: Promise<void> };

type Pending = { change: StoreChange; pieces: Buffer[]; resolve: () => void; reject: (error: unknown) => void };

type Table = {
  id: ResourceId;
  objects: Map<string, KubeObject>;
  sortedKeys: string[] | undefined;
  sorted: KubeObject[] | undefined;
};

export type StoreOptions = {
  directory: string;
  logger: Logger;
  /** Called when the log cannot be written any more: nothing can be acknowledged from then on. */
  onFailure: (error: unknown) => void;
  /** The log is compacted when it has grown by this many bytes, and by the size of the last snapshot. */
  compactAfterBytes?: number;
};

/**
 * Every object of the cluster, in memory and in a write-ahead log. A write is visible to reads at once, and is published and
 * resolved when it is durable; writes that arrive together share one fsync. One counter numbers all writes.
 */
export class Store {
  readonly #log: Log;
  readonly #options: StoreOptions;
  readonly #tables = new Map<string, Table>();
  readonly #listeners = new Set<(change: StoreChange) => void>();
  #unlock: (() => Promise<void>) | undefined;
  #revision = 0;
  #published = 0;
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #logBytes = 0;
  #snapshotBytes = 0;
  #failure: unknown;

  private constructor(options: StoreOptions) {
    this.#options = options;
    this.#log = new Log(options.directory);
  }

  static async open(options: StoreOptions): Promise<Store> {
    const store = new Store(options);
    store.#unlock = await lockDirectory(options.directory);
    try {
      const recovered = await store.#log.recover();
      store.#revision = recovered.revision;
      for (const record of recovered.records) store.#replay(record);
      // Numbers that readers may have seen before a crash, but which never became durable, are not given out again.
      store.#revision += revisionGap;
      store.#published = store.#revision;
      store.#logBytes = recovered.logBytes;
      store.#snapshotBytes = recovered.snapshotBytes;
    } catch (error) {
      await store.#unlock();
      throw error;
    }
    return store;
  }

  /** The revision of what reads see. */
  get revision(): number {
    return this.#revision;
  }

  /** The revision of the last change that listeners have been told of. */
  get publishedRevision(): number {
    return this.#published;
  }

  get(id: ResourceId, namespace: string, name: string): KubeObject | undefined {
    return this.#tables.get(tableKey(id))?.objects.get(objectKey(namespace, name));
  }

  /** All objects of a resource, sorted by namespace and name. */
  list(id: ResourceId): readonly KubeObject[] {
    const table = this.#tables.get(tableKey(id));
    if (!table) return [];
    table.sortedKeys ??= [...table.objects.keys()].sort();
    table.sorted ??= table.sortedKeys.flatMap((key) => table.objects.get(key) ?? []);
    return table.sorted;
  }

  /** Creates or replaces an object. The caller gives up the object: it is frozen with its new resourceVersion. */
  put(id: ResourceId, object: KubeObject): Write {
    this.#revision += 1;
    const { namespace = "", name } = object.metadata;
    const previous = this.get(id, namespace, name);
    object.metadata.resourceVersion = String(this.#revision);
    deepFreeze(object);
    this.#set(id, object);
    const record: StoreRecord = { op: "put", resource: tableKey(id), object };
    const change: StoreChange = { revision: this.#revision, type: previous ? "MODIFIED" : "ADDED", id, object, previous };
    return { object, durable: this.#enqueue(change, record) };
  }

  remove(id: ResourceId, previous: KubeObject): Write {
    this.#revision += 1;
    const { namespace = "", name } = previous.metadata;
    this.#unset(id, namespace, name);
    const metadata = { ...previous.metadata, resourceVersion: String(this.#revision) };
    const object = deepFreeze({ ...previous, metadata });
    const record: StoreRecord = { op: "remove", resource: tableKey(id), namespace, name, revision: this.#revision };
    return { object, durable: this.#enqueue({ revision: this.#revision, type: "DELETED", id, object, previous }, record) };
  }

  subscribe(listener: (change: StoreChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that reads can see now is durable. */
  async settled(): Promise<void> {
    const target = this.#revision;
    while (this.#published < target && this.#failure === undefined) await this.#flushing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#compacting;
    await this.#log.close();
    await this.#unlock?.();
  }

  #enqueue(change: StoreChange, record: StoreRecord): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#pending.push({ change, pieces: encodeRecord(record), resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      const bytes = Buffer.concat(batch.flatMap((entry) => entry.pieces));
      try {
        await this.#log.append(bytes);
      } catch (error) {
        this.#fail(error, batch);
        return;
      }
      this.#logBytes += bytes.length;
      for (const { change, resolve } of batch) {
        this.#published = change.revision;
        this.#publish(change);
        resolve();
      }
      await this.#compactIfLarge();
    }
    this.#flushing = undefined;
  }

  #publish(change: StoreChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#options.logger.error({ err: error, resource: change.id.resource }, "a listener of changes failed");
      }
    }
  }

  #fail(error: unknown, batch: Pending[]): void {
    this.#failure = error;
    for (const entry of [...batch, ...this.#pending]) entry.reject(error);
    this.#pending = [];
    this.#options.onFailure(error);
  }

  async #compactIfLarge(): Promise<void> {
    const limit = Math.max(this.#options.compactAfterBytes ?? 8 * 1024 * 1024, this.#snapshotBytes);
    if (this.#compacting || this.#logBytes < limit) return;
    // Taken before anything is awaited: a segment may only go when the snapshot has all of it.
    const revision = this.#revision;
    const records = [...this.#tables.values()].flatMap(({ id, objects }) =>
      [...objects.values()].map((object): StoreRecord => ({ op: "put", resource: tableKey(id), object })),
    );
    try {
      await this.#log.startSegment(revision + 1);
    } catch (error) {
      this.#options.logger.error({ err: error }, "the log was not compacted; it keeps growing until it is");
      return;
    }
    this.#logBytes = 0;
    this.#compacting = this.#log
      .writeSnapshot(revision, records)
      .then((bytes) => {
        this.#snapshotBytes = bytes;
      })
      .catch((error: unknown) => {
        this.#options.logger.error({ err: error }, "the log was not compacted; it keeps growing until it is");
      })
      .finally(() => {
        this.#compacting = undefined;
      });
  }

  #replay(record: StoreRecord): void {
    if (record.op === "put") {
      this.#set(parseTableKey(record.resource), deepFreeze(record.object));
      this.#revision = Math.max(this.#revision, Number(record.object.metadata.resourceVersion));
    } else if (record.op === "remove") {
      this.#unset(parseTableKey(record.resource), record.namespace, record.name);
      this.#revision = Math.max(this.#revision, record.revision);
    }
  }

  #set(id: ResourceId, object: KubeObject): void {
    const key = tableKey(id);
    let table = this.#tables.get(key);
    if (!table) {
      table = { id, objects: new Map(), sortedKeys: undefined, sorted: undefined };
      this.#tables.set(key, table);
    }
    const nameKey = objectKey(object.metadata.namespace ?? "", object.metadata.name);
    if (!table.objects.has(nameKey)) table.sortedKeys = undefined;
    table.objects.set(nameKey, object);
    table.sorted = undefined;
  }

  #unset(id: ResourceId, namespace: string, name: string): void {
    const table = this.#tables.get(tableKey(id));
    if (!table?.objects.delete(objectKey(namespace, name))) return;
    table.sortedKeys = undefined;
    table.sorted = undefined;
  }
}

export function tableKey(id: ResourceId): string {
  return `${id.group}/${id.resource}`;
}

function parseTableKey(key: string): ResourceId {
  const [group = "", resource = ""] = key.split("/");
  return { group, resource };
}

function objectKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
