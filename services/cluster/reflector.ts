import { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { type ApiClient, ApiError } from "./api-client.ts";

export type Reflected = { metadata: { name: string; namespace?: string; uid: string; resourceVersion: string } };

export type ReflectorOptions<T extends Reflected> = {
  client: Pick<ApiClient, "get" | "watch">;
  /** The collection, e.g. /api/v1/pods. */
  path: string;
  fieldSelector?: string;
  logger: Logger;
  /** Called after each change of the store; `previous` is what the store held, `current` what it holds now. */
  onChange: (change: { previous?: T; current?: T }) => void;
  /** Called after each complete list. */
  onSynced?: () => void;
  /** A watch without an event or a bookmark for so long is assumed dead. */
  silentMs?: number;
};

type List<T> = { metadata: { resourceVersion: string }; items: T[] };

/** Keeps a copy of a collection current: list, watch from there with bookmarks, list again when the watch is lost for good. */
export class Reflector<T extends Reflected> {
  readonly store = new Map<string, T>();
  readonly #options: ReflectorOptions<T>;
  readonly #abort = new AbortController();
  readonly #backoff = new Backoff({ initialMs: 200, maxMs: 5_000 });
  #resourceVersion: string | undefined;
  #running: Promise<void> | undefined;
  #synced = false;
  #gonesInARow = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  get synced(): boolean {
    return this.#synced;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, path } = this.#options;
    const signal = this.#abort.signal;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && (error.code === 410 || error.code === 400)) {
          this.#resourceVersion = undefined;
          this.#gonesInARow += 1;
          // At once, whatever else failed before; but a server that forgets what it has just listed is not asked without pause.
          if (this.#gonesInARow === 1) continue;
        }
        logger.warn({ path, err: String(error) }, "the watch was lost; trying again");
      }
      await pause(this.#backoff.next(), signal);
    }
  }

  async #list(): Promise<void> {
    const { client, path } = this.#options;
    const list = await client.get<List<T>>(`${path}${this.#query({})}`);
    const present = new Set(list.items.map(keyOf));
    for (const [key, previous] of this.store) {
      if (!present.has(key)) this.#set(key, previous, undefined);
    }
    for (const item of list.items) this.#set(keyOf(item), this.store.get(keyOf(item)), item);
    this.#resourceVersion = list.metadata.resourceVersion;
    this.#synced = true;
    this.#options.onSynced?.();
  }

  async #watch(): Promise<void> {
    const { client, path, silentMs = 75_000 } = this.#options;
    const query = this.#query({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#resourceVersion ?? "",
      timeoutSeconds: "600",
    });
    for await (const event of client.watch<T>(`${path}${query}`, silentMs, this.#abort.signal)) {
      if (event.type === "ERROR") {
        const status = event.object as unknown as { code?: number; reason?: string; message?: string };
        throw new ApiError(status.code ?? 500, status.reason ?? "Unknown", status.message ?? "the watch failed");
      }
      this.#backoff.reset();
      this.#gonesInARow = 0;
      this.#resourceVersion = event.object.metadata.resourceVersion;
      if (event.type === "BOOKMARK") continue;
      const key = keyOf(event.object);
      this.#set(key, this.store.get(key), event.type === "DELETED" ? undefined : event.object);
    }
  }

  #set(key: string, previous: T | undefined, current: T | undefined): void {
    if (previous && previous.metadata.resourceVersion === current?.metadata.resourceVersion) return;
    if (current) this.store.set(key, current);
    else this.store.delete(key);
    // A name that was freed and taken again while the watch was away is two objects, not one that changed.
    if (previous && current && previous.metadata.uid !== current.metadata.uid) {
      this.#options.onChange({ previous });
      this.#options.onChange({ current });
      return;
    }
    this.#options.onChange({ previous, current });
  }

  #query(more: Record<string, string>): string {
    const { fieldSelector } = this.#options;
    return `?${new URLSearchParams({ ...(fieldSelector ? { fieldSelector } : {}), ...more })}`;
  }
}

function keyOf({ metadata }: Reflected): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
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
