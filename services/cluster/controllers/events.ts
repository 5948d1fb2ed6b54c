import type { Logger } from "#lib/runtime/logger.ts";
import { type Cluster, type KubeObject, resources, StatusError } from "../api.ts";
import { timestamp } from "../timestamp.ts";
import type { Clock } from "./clock.ts";
import type { KubeEvent, ObjectReference } from "./objects.ts";

export type EventType = "Normal" | "Warning";

/** An event that a plan asks for. */
export type PlannedEvent = { type: EventType; reason: string; message: string };

/** Records events of one component about objects. Never throws and never has to be awaited. */
export type EventSource = { record(about: KubeObject, event: PlannedEvent): void };

/** Above so many different messages of one reason within the window, further ones are told as one combined event (client-go). */
const similarLimit = 10;
const similarWindowMs = 600_000;
const rememberedEvents = 4096;

type Known = { namespace: string; name: string };
type Similar = { messages: Set<string>; sinceMs: number };

/** Writes events, and counts repeats on the event that is there already instead of writing another one. */
export class EventRecorder {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #known = new Map<string, Known>();
  readonly #similar = new Map<string, Similar>();
  readonly #writes = new Map<string, Promise<void>>();
  #last = 0n;

  constructor({ cluster, clock, logger }: { cluster: Cluster; clock: Clock; logger: Logger }) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#logger = logger;
  }

  source(component: string): EventSource {
    return { record: (about, event) => this.#record(component, about, event) };
  }

  /** Waits for the events that are being written. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes.values());
  }

  #record(component: string, about: KubeObject, event: PlannedEvent): void {
    const combined = this.#combine(component, about, event);
    const key = JSON.stringify([component, about.metadata.uid, combined.key]);
    const write = (this.#writes.get(key) ?? Promise.resolve())
      .then(() => this.#write(key, component, about, { ...event, message: combined.message }))
      .catch((error) => this.#logger.debug({ err: error, reason: event.reason }, "an event was not recorded"))
      .finally(() => {
        if (this.#writes.get(key) === write) this.#writes.delete(key);
      });
    this.#writes.set(key, write);
  }

  #combine(component: string, about: KubeObject, { type, reason, message }: PlannedEvent): { key: string; message: string } {
    const group = JSON.stringify([component, about.metadata.uid, type, reason]);
    const nowMs = this.#clock.now().getTime();
    let similar = this.#similar.get(group);
    if (!similar || nowMs - similar.sinceMs > similarWindowMs) similar = { messages: new Set(), sinceMs: nowMs };
    remember(this.#similar, group, similar);
    if (similar.messages.has(message) || similar.messages.size < similarLimit) {
      similar.messages.add(message);
      return { key: `${type}/${reason}/${message}`, message };
    }
    return { key: `${type}/${reason}`, message: `(combined from similar events): ${message}` };
  }

  async #write(key: string, component: string, about: KubeObject, event: PlannedEvent): Promise<void> {
    const now = timestamp(this.#clock.now());
    const known = this.#known.get(key);
    const existing = known && this.#cluster.get<KubeEvent>(resources.events, known.namespace, known.name);
    if (existing) {
      const count = (existing.count ?? 1) + 1;
      await this.#cluster.update<KubeEvent>(resources.events, { ...existing, count, lastTimestamp: now, message: event.message });
      return;
    }
    const namespace = about.metadata.namespace ?? "default";
    const name = `${about.metadata.name}.${this.#suffix()}`;
    try {
      await this.#cluster.create<KubeEvent>(resources.events, {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: referenceTo(about),
        ...event,
        count: 1,
        firstTimestamp: now,
        lastTimestamp: now,
        eventTime: null,
        source: { component },
        reportingComponent: component,
        reportingInstance: "",
      });
    } catch (error) {
      // A namespace that is going away takes no new events.
      if (error instanceof StatusError && (error.code === 403 || error.code === 404)) return;
      throw error;
    }
    remember(this.#known, key, { namespace, name });
  }

  #suffix(): string {
    const nanoseconds = BigInt(this.#clock.now().getTime()) * 1_000_000n;
    this.#last = nanoseconds > this.#last ? nanoseconds : this.#last + 1n;
    return this.#last.toString(16);
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, ...(namespace ? { namespace } : {}), name, uid, resourceVersion };
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > rememberedEvents) for (const oldest of map.keys()) return void map.delete(oldest);
}
