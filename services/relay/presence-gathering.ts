import type { PresenceEvent } from "#lib/protocol/relay-messages.ts";

/** Where the presence of a document goes: to its clients here, and what happened here also to the other replicas. */
export type PresenceOutlet = {
  tell: (events: PresenceEvent[]) => void;
  publish: (events: PresenceEvent[]) => void;
};

/**
 * Gathers what the clients of one document do, so that it goes out together: at the end of the tick when it was quiet, and not again
 * within `intervalMs`. Many clients that come at once then cost each of them few messages.
 */
export class PresenceGathering {
  readonly #intervalMs: number;
  readonly #outlet: PresenceOutlet;
  #events: PresenceEvent[] = [];
  #own: PresenceEvent[] = [];
  #isDue = false;
  #flushedAt = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, outlet: PresenceOutlet) {
    this.#intervalMs = intervalMs;
    this.#outlet = outlet;
  }

  /** What a client of this replica does. */
  add(event: PresenceEvent): void {
    this.#own.push(event);
    this.hear([event]);
  }

  /** What clients of another replica do. */
  hear(events: PresenceEvent[]): void {
    this.#events.push(...events);
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = this.#flushedAt + this.#intervalMs - performance.now();
    if (waitMs > 0) setTimeout(() => this.flush(), waitMs);
    else setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    const [events, own] = [this.#events, this.#own];
    if (events.length === 0) return;
    this.#flushedAt = performance.now();
    this.#events = [];
    this.#own = [];
    this.#outlet.tell(events);
    if (own.length > 0) this.#outlet.publish(own);
  }
}
