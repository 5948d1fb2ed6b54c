import type { Logger } from "#lib/runtime/logger.ts";
import type { ApiClient } from "../api-client.ts";
import { timestamp } from "../timestamp.ts";

export type EventTarget = {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion?: string;
  fieldPath?: string;
};

export type EventType = "Normal" | "Warning";

type Sent = { name: string; namespace: string; count: number; at: number; writtenAt: number };

const maxQueued = 500;
const maxKnown = 1000;
/** A message that repeats is written at most this often; its count keeps up. */
const repeatMs = 5_000;
/** After this time the same message is a new event, as the API forgets events after an hour. */
const forgetMs = 50 * 60_000;

/** Writes events to the API in order, counting repeated ones. Events are hints: when the API is away for long, old ones are dropped. */
export class EventRecorder {
  readonly #client: Pick<ApiClient, "send">;
  readonly #source: { component: string; host: string };
  readonly #logger: Logger;
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #known = new Map<string, Sent>();
  #draining: Promise<void> | undefined;

  constructor(client: Pick<ApiClient, "send">, source: { component: string; host: string }, logger: Logger) {
    this.#client = client;
    this.#source = source;
    this.#logger = logger;
  }

  record(target: EventTarget, type: EventType, reason: string, message: string): void {
    if (this.#queue.length >= maxQueued) this.#queue.shift();
    const now = timestamp();
    this.#queue.push(() => this.#send(target, type, reason, message, now));
    this.#draining ??= this.#drain();
  }

  /** Waits until all events so far were tried. */
  async flush(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    for (let send = this.#queue.shift(); send; send = this.#queue.shift()) {
      try {
        await send();
      } catch (error) {
        this.#logger.warn({ err: String(error) }, "an event could not be written");
      }
    }
    this.#draining = undefined;
  }

  async #send(target: EventTarget, type: EventType, reason: string, message: string, now: string): Promise<void> {
    const namespace = target.namespace ?? "default";
    const path = `/api/v1/namespaces/${namespace}/events`;
    const key = [target.uid, target.fieldPath, type, reason, message].join("\0");
    const known = this.#known.get(key);
    if (known && Date.now() - known.at < forgetMs) {
      known.count += 1;
      known.at = Date.now();
      if (known.at - known.writtenAt < repeatMs) return;
      known.writtenAt = known.at;
      const json = { count: known.count, lastTimestamp: now };
      try {
        const contentType = "application/merge-patch+json";
        await this.#client.send(`${path}/${known.name}`, { method: "PATCH", json, contentType });
        return;
      } catch {
        this.#known.delete(key);
      }
    }
    const name = `${target.name}.${Date.now().toString(16)}${Math.floor(Math.random() * 0xffffff).toString(16)}`;
    await this.#client.send(path, {
      method: "POST",
      json: {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: target,
        type,
        reason,
        message: message.slice(0, 1024),
        source: this.#source,
        reportingComponent: this.#source.component,
        reportingInstance: this.#source.host,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    });
    this.#known.set(key, { name, namespace, count: 1, at: Date.now(), writtenAt: Date.now() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}
