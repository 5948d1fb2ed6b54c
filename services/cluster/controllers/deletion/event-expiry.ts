import { type Change, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { KubeEvent } from "../objects.ts";
import { ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

export const eventLifetimeMs = 3_600_000;

/** Deletes events an hour after they were last seen, as the API server's event TTL does. */
export function startEventExpiry(context: Context): Controller {
  const { cluster, clock } = context;
  return runController(context, { name: "event-expiry", concurrency: 2, keysFor, reconcile });

  function* keysFor({ id, type, object }: Change): Iterable<string> {
    if (type === "ADDED" && sameResource(id, resources.events)) yield keyOf(object);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const event = cluster.get<KubeEvent>(resources.events, namespace, name);
    if (!event) return undefined;
    const remainingMs = expiryMs(event) - clock.now().getTime();
    if (remainingMs > 0) return { afterMs: remainingMs };
    await cluster.delete(resources.events, namespace, name).catch(ignoreNotFound);
    return undefined;
  }
}

export function expiryMs({ metadata, lastTimestamp, eventTime }: KubeEvent): number {
  const seen = [lastTimestamp, eventTime, metadata.creationTimestamp]
    .map((time) => Date.parse(time ?? ""))
    .filter((ms) => !Number.isNaN(ms));
  return Math.max(0, ...seen) + eventLifetimeMs;
}
