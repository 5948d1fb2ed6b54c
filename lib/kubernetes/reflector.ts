import { createInterface } from "node:readline";
import type { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { KubernetesClient } from "./client.ts";
import { KubernetesError } from "./errors.ts";
import type { KubernetesObject, ObjectList } from "./objects.ts";
import { applyWatchEvent, diffList, keyOf, type WatchEvent } from "./watch-event.ts";

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
  onChanges: (changes: Changes<T>) => void;
  onState: () => void;
  backoff: Backoff;
  logger: Logger;
  /** How long the server keeps one watch open; a watch that has not ended `graceSeconds` later is taken for dead. */
  watchSeconds?: number;
  graceSeconds?: number;
  /** How long a lost feed may try to come back before it is called stale. */
  staleAfterMs?: number;
  now?: () => Date;
};

const notServedRetryMs = 60_000;

/**
 * Keeps a copy of one resource by list and watch. 410 lists again at once; any other error watches again from the last
 * resourceVersion, with back-off; a silent watch is given up. The copy stays readable while the feed is stale.
 */
export class Reflector<T extends KubernetesObject, Raw extends KubernetesObject = T> {
  readonly items: Map<string, T> = new Map();
  readonly #options: ReflectorOptions<T, Raw>;
  readonly #now: () => Date;
  readonly #abort = new AbortController();
  #state: ReflectorState;
  #staleTimer: NodeJS.Timeout | undefined;
  #resourceVersion: string | undefined;
  #goneAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T, Raw>) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#state = { state: "starting", since: this.#now(), lastError: null };
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
  }

  async #run(): Promise<void> {
    const { backoff } = this.#options;
    while (!this.#abort.signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        await this.#watch();
        backoff.reset();
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        if (isGone(error)) {
          this.#resourceVersion = undefined;
          if (performance.now() - this.#goneAt < 1000) await this.#pause(backoff.next());
          this.#goneAt = performance.now();
          continue;
        }
        if (error instanceof KubernetesError && error.status === 404) {
          this.#replace([]);
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

  async #list(): Promise<void> {
    const { client, path, trim } = this.#options;
    const listed: T[] = [];
    let page: ObjectList<Raw> | undefined;
    do {
      page = await client.get<ObjectList<Raw>>(
        path,
        { limit: 500, continue: page?.metadata.continue || undefined },
        this.#abort.signal,
      );
      for (const object of page.items) listed.push(trim(object));
    } while (page.metadata.continue);
    this.#replace(listed);
    this.#resourceVersion = page.metadata.resourceVersion;
    this.#enter("connected", null);
  }

  #replace(listed: T[]): void {
    const changes = diffList(this.items, listed);
    for (const object of changes.removed) this.items.delete(keyOf(object));
    for (const object of changes.upserted) this.items.set(keyOf(object), object);
    if (changes.upserted.length + changes.removed.length > 0) this.#options.onChanges(changes);
  }

  async #watch(): Promise<void> {
    const { client, path, watchSeconds = 60, graceSeconds = 10 } = this.#options;
    const deadline = AbortSignal.timeout((watchSeconds + graceSeconds) * 1000);
    const signal = AbortSignal.any([this.#abort.signal, deadline]);
    const startedAt = performance.now();
    const answer = await client.stream(
      path,
      { watch: true, allowWatchBookmarks: true, timeoutSeconds: watchSeconds, resourceVersion: this.#resourceVersion },
      signal,
    );
    this.#enter("connected", null);
    const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
    const broken = new Promise<never>((_, reject) => {
      answer.once("error", reject);
      answer.once("aborted", () => reject(new Error("the connection was cut")));
    });
    broken.catch(() => {});
    try {
      await Promise.race([this.#readLines(lines), broken]);
    } finally {
      lines.close();
      answer.destroy();
    }
    // A server that ends every watch at once must not be asked in a tight loop.
    if (performance.now() - startedAt < 1000) await this.#pause(1000);
  }

  async #readLines(lines: AsyncIterable<string>): Promise<void> {
    for await (const line of lines) if (line !== "") this.#apply(JSON.parse(line) as WatchEvent<Raw>);
  }

  #apply(event: WatchEvent<Raw>): void {
    const key = "object" in event && "name" in ((event.object as Partial<Raw>).metadata ?? {}) ? keyOf(event.object as Raw) : "";
    const known = this.items.get(key);
    const step = applyWatchEvent(known, event);
    if (step.kind === "relist") throw new GoneError();
    if (step.kind === "fail") throw new Error(step.message);
    if (step.resourceVersion !== null) this.#resourceVersion = step.resourceVersion;
    if (step.kind === "upsert") {
      const object = this.#options.trim(step.object);
      this.items.set(key, object);
      const replaced = known && known.metadata.uid !== object.metadata.uid;
      this.#options.onChanges({ upserted: [object], removed: replaced ? [known] : [] });
    } else if (step.kind === "remove" && known) {
      this.items.delete(key);
      this.#options.onChanges({ upserted: [], removed: [known] });
    }
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
