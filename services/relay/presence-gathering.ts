import type { PresenceEvent } from "#lib/protocol/relay-messages.ts";

/** Where the presence of a document goes: to its clients here, and what happened here also to the other replicas. */
export type PresenceOutlet = {
  /** Returns how many bytes that took, over all clients. */
  tell: (events: PresenceEvent[]) => number;
  publish: (events: PresenceEvent[]) => void;
};

/** What presence of one document may cost, all its clients on this replica together. */
const maxBytesPerSecond = 16 * 1024 * 1024;

/** In the order of what happened last; a client's cursor is there once. */
type Gathered = Map<string | PresenceEvent, PresenceEvent>;

/**
 * Gathers what the clients of one document do, so that it goes out together: at the end of the tick when it was quiet, and not again
 * within `intervalMs`, or for longer when many clients make it long. Many clients that come at once then cost each of them few
 * messages, and of the places where one's cursor was in between only the newest goes out.
 */
export class PresenceGathering {
  readonly #intervalMs: number;
  readonly #outlet: PresenceOutlet;
  #events: Gathered = new Map();
  #own: Gathered = new Map();
  #isDue = false;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, outlet: PresenceOutlet) {
    this.#intervalMs = intervalMs;
    this.#outlet = outlet;
  }

  /** What a client of this replica does. */
  add(event: PresenceEvent): void {
    gather(this.#own, event);
    this.hear([event]);
  }

  /** What clients of another replica do. */
  hear(events: PresenceEvent[]): void {
    for (const event of events) gather(this.#events, event);
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = this.#notBefore - performance.now();
    if (waitMs > 0) setTimeout(() => this.flush(), waitMs);
    else setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    const [events, own] = [[...this.#events.values()], [...this.#own.values()]];
    if (events.length === 0) return;
    this.#events.clear();
    this.#own.clear();
    const bytes = this.#outlet.tell(events);
    this.#notBefore = performance.now() + Math.max(this.#intervalMs, (bytes * 1000) / maxBytesPerSecond);
    if (own.length > 0) this.#outlet.publish(own);
  }
}

function gather(events: Gathered, event: PresenceEvent): void {
  const key = event.event === "cursor" ? event.clientId : event;
  events.delete(key);
  events.set(key, event);
}
