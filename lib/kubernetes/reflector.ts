import type { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { TimeSlices } from "#lib/runtime/time-slices.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { KubernetesClient } from "./client.ts";
import { ObjectDecoder } from "./decode.ts";
import { KubernetesError } from "./errors.ts";
import { LineSplitter } from "./lines.ts";
import type { KubernetesObject } from "./objects.ts";
import type { Shape } from "./pick-json.ts";
import { Removals } from "./removals.ts";
import { applyWatchEvent, FreshList, isNewer, keyOf, type WatchEvent } from "./watch-event.ts";

/** Objects that went, and objects that came or changed. What was made anew under its name is in both: removals come first. */
export type Changes<T> = { upserted: T[]; removed: T[] };

export type ReflectorState = {
  /** starting: never listed yet; not-served: the cluster has no such resource. */
  state: "starting" | "connected" | "stale" | "not-served";
  since: Date;
  lastError: string | null;
};

export type ReflectorOptions<T extends KubernetesObject, Raw extends KubernetesObject = T> = {
  client: KubernetesClient;
  path: string;
  /** Reads an object on arrival; dropping what nobody asks for keeps thousands of objects small. */
  trim: (object: Raw) => T;
  /** What `trim` reads; without it, objects are decoded whole. */
  kept?: Shape;
  onChanges: (changes: Changes<T>) => void;
  onState: () => void;
  backoff: Backoff;
  logger: Logger;
  /** How long the server keeps one watch open; a watch that has not ended `graceSeconds` later is taken for dead. */
  watchSeconds?: number;
  graceSeconds?: number;
  /** A watch that lived as long as this worked, however it ended. */
  steadyAfterMs?: number;
  /** How long a lost feed may try to come back before it is called stale. */
  staleAfterMs?: number;
  /** After this time a watch that ends is followed by a fresh list, which mends whatever a watch may have missed. */
  resyncMs?: number;
  now?: () => Date;
};

const notServedRetryMs = 60_000;
const pageSize = 500;

/**
 * Keeps a copy of one resource by list and watch. 410 lists again at once; any other error watches again from the last
 * resourceVersion, with back-off, and lists from the third failure in a row on; a silent watch is given up. The copy stays readable while the feed is stale. Lists and storms of
 * events are taken in by slices, so that the process goes on answering.
 */
export class Reflector<T extends KubernetesObject, Raw extends KubernetesObject = T> {
  readonly items: Map<string, T> = new Map();
  readonly #options: ReflectorOptions<T, Raw>;
  readonly #now: () => Date;
  readonly #abort = new AbortController();
  readonly #decoder: ObjectDecoder<Raw>;
  readonly #queue: ChangeQueue;
  readonly #removals = new Removals();
  #collected: Changes<T> = { upserted: [], removed: [] };
  #watching = new AbortController();
  #failure: unknown;
  #listedAt = Number.NEGATIVE_INFINITY;
  #state: ReflectorState;
  #staleTimer: NodeJS.Timeout | undefined;
  #resourceVersion: string | undefined;
  #goneAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T, Raw>) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#state = { state: "starting", since: this.#now(), lastError: null };
    this.#decoder = new ObjectDecoder(options.kept);
    this.#queue = new ChangeQueue({
      apply: (bytes, length) => this.#apply(this.#decoder.readChange(bytes, 0, length)),
      onSlice: () => this.#announce(),
      onError: (error) => {
        this.#failure = error;
        this.#watching.abort();
      },
    });
  }

  get state(): ReflectorState {
    return this.#state;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#staleTimer);
    await this.#running;
    await this.#queue.drain();
  }

  async #run(): Promise<void> {
    const { backoff } = this.#options;
    while (!this.#abort.signal.aborted) {
      try {
        const isOld = performance.now() - this.#listedAt > (this.#options.resyncMs ?? 30 * 60_000);
        if (this.#resourceVersion === undefined || isOld) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        if (isGone(error)) {
          this.#resourceVersion = undefined;
          if (performance.now() - this.#goneAt < 1000) await this.#pause(backoff.next());
          this.#goneAt = performance.now();
          continue;
        }
        if (error instanceof KubernetesError && error.status === 404) {
          this.#remove([...this.items.values()]);
          this.#announce();
          this.#resourceVersion = undefined;
          this.#enter("not-served", null);
          await this.#pause(notServedRetryMs);
          continue;
        }
        this.#fail(error);
        // A server that came back from an older copy may be behind what is known: after a few failures the list is the truth.
        if (backoff.attempt >= 3) this.#resourceVersion = undefined;
        await this.#pause(backoff.next());
      }
    }
  }

  /** Takes in a fresh list page by page; only what the last page has not shown either is removed. */
  async #list(): Promise<void> {
    await this.#queue.drain();
    const { client, path, trim } = this.#options;
    this.#removals.clear();
    const fresh = new FreshList(this.items);
    const slices = new TimeSlices();
    let next: string | undefined;
    let resourceVersion: string | undefined;
    do {
      const bytes = await client.getBytes(path, { limit: pageSize, continue: next }, this.#abort.signal);
      await slices.next();
      const page = this.#decoder.readPage(bytes);
      let item = page.next();
      for (; !item.done; item = page.next()) {
        const { isNew, replaced } = fresh.see(item.value as unknown as T);
        if (replaced) this.#remove([replaced]);
        if (isNew) this.#upsert(trim(item.value));
        if (!slices.isUp) continue;
        this.#announce();
        await slices.next();
      }
      this.#announce();
      next = item.value.continue || undefined;
      resourceVersion = item.value.resourceVersion;
    } while (next);
    this.#remove([...fresh.missing()]);
    this.#announce();
    this.#resourceVersion = resourceVersion;
    this.#listedAt = performance.now();
    this.#enter("connected", null);
  }

  async #watch(): Promise<void> {
    const { client, path, backoff, watchSeconds = 60, graceSeconds = 10, steadyAfterMs = 5000 } = this.#options;
    const deadline = AbortSignal.timeout((watchSeconds + graceSeconds) * 1000);
    this.#watching = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, this.#watching.signal, deadline]);
    const lines = new LineSplitter((bytes, start, end) => this.#takeLine(bytes, start, end));
    const startedAt = performance.now();
    let openedAt = Number.POSITIVE_INFINITY;
    try {
      await client.watch(
        path,
        { watch: true, allowWatchBookmarks: true, timeoutSeconds: watchSeconds, resourceVersion: this.#resourceVersion },
        signal,
        {
          onOpen: () => {
            openedAt = performance.now();
            this.#enter("connected", null);
          },
          take: (piece) => {
            lines.take(piece);
            return this.#queue.isFull ? this.#queue.drain() : undefined;
          },
        },
      );
      backoff.reset();
    } finally {
      if (performance.now() - openedAt >= steadyAfterMs) backoff.reset();
      await this.#queue.drain();
      this.#throwFailure();
    }
    // A server that ends every watch at once must not be asked in a tight loop.
    if (performance.now() - startedAt < 1000) await this.#pause(1000);
  }

  #takeLine(bytes: Buffer, start: number, end: number): void {
    const header = this.#decoder.readHeader(bytes, start, end);
    if (header) {
      this.#queue.add(header, bytes, start, end);
      if (isNewer(header.resourceVersion, this.#resourceVersion ?? "")) this.#resourceVersion = header.resourceVersion;
      return;
    }
    const step = applyWatchEvent<Raw>(undefined, this.#decoder.readOther(bytes, start, end));
    if (step.kind === "relist") throw new GoneError();
    if (step.kind === "fail") throw new Error(step.message);
    if (step.resourceVersion !== null) this.#resourceVersion = step.resourceVersion;
  }

  #apply(event: WatchEvent<Raw> & { object: Raw }): void {
    const key = keyOf(event.object);
    const known = this.items.get(key);
    const step = applyWatchEvent(known, event, this.#removals.find(key));
    if (step.kind === "upsert") {
      if (known && known.metadata.uid !== event.object.metadata.uid) this.#remove([known]);
      this.#upsert(this.#options.trim(step.object));
    } else if (event.type === "DELETED") {
      if (step.kind === "remove" && known) this.#remove([known]);
      if (!this.items.has(key)) this.#removals.note(key, event.object.metadata.resourceVersion);
    }
  }

  #upsert(object: T): void {
    this.items.set(keyOf(object), object);
    this.#collected.upserted.push(object);
  }

  #remove(objects: readonly T[]): void {
    for (const object of objects) {
      this.items.delete(keyOf(object));
      this.#collected.removed.push(object);
    }
  }

  #announce(): void {
    const changes = this.#collected;
    if (changes.upserted.length + changes.removed.length === 0) return;
    this.#collected = { upserted: [], removed: [] };
    this.#options.onChanges(changes);
  }

  /** What could not be decoded is lost with all that waited behind it: only a fresh list mends that. */
  #throwFailure(): void {
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    this.#resourceVersion = undefined;
    throw failure;
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const { logger, path, staleAfterMs = 3000 } = this.#options;
    logger.warn({ err: error, path }, "a watch failed and is tried again");
    this.#state = { ...this.#state, lastError: message };
    if (this.#state.state === "stale") this.#options.onState();
    else if (this.#state.state === "starting") this.#enter("stale", message);
    else {
      const since = this.#now();
      this.#staleTimer ??= setTimeout(() => this.#enter("stale", this.#state.lastError, since), staleAfterMs);
    }
  }

  #enter(state: ReflectorState["state"], lastError: string | null, since = this.#now()): void {
    clearTimeout(this.#staleTimer);
    this.#staleTimer = undefined;
    const changed = state !== this.#state.state;
    this.#state = { state, lastError, since: changed ? since : this.#state.since };
    if (changed) this.#options.onState();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}

class GoneError extends Error {}

function isGone(error: unknown): boolean {
  return error instanceof GoneError || (error instanceof KubernetesError && error.status === 410);
}
