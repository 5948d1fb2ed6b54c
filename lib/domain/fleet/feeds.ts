import { type Feed, type FeedName, feedNames } from "./schemas.ts";

/** The state of each outside system, with the time since when it is so. */
export class FeedBoard {
  readonly #feeds = new Map<FeedName, Feed>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Records a state; true when it says something new. `since` is now unless the caller knows better. */
  set({ since, ...feed }: Omit<Feed, "since"> & { since?: Date }): boolean {
    const known = this.#feeds.get(feed.name);
    const isSame = known?.state === feed.state;
    const next = { ...feed, since: isSame ? known.since : (since ?? this.#now()).toISOString() };
    if (known && isSame && known.lastError === next.lastError && known.hint === next.hint) return false;
    this.#feeds.set(feed.name, next);
    return true;
  }

  find(name: FeedName): Feed | undefined {
    return this.#feeds.get(name);
  }

  list(): Feed[] {
    return feedNames.map((name) => this.#feeds.get(name)).filter((feed) => feed !== undefined);
  }
}
